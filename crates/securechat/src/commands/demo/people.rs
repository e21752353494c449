//! Three people: first contact, safety numbers, a group, and one who is put out of it.

use std::time::Duration;

use chat_core::{
    Client, Compared, Draft, ErrorKind, Event, GroupEvent, GroupName, Handle, HistoryItem, Item,
    ListenFrom, Listener, Protection, Published, Seq,
};

use super::teller::Teller;
use super::{Demo, PATIENCE, in_time, internal, item, message, send};
use crate::commands::handle;
use crate::failure::Failure;
use crate::output::human;

impl Demo {
    pub(super) async fn people(&self) -> Result<(), Failure> {
        let mut three = self.first_contact().await?;
        self.safety_number(&three.carol)?;
        let group = self.group(&mut three).await?;
        self.removal(&mut three, &group).await
    }

    async fn first_contact(&self) -> Result<Three, Failure> {
        let tell = Teller(self.console);
        tell.title("7. Carol comes, and the very first word to her is in MLS")?;
        let folder = self.folder.join("profiles").join("carol");
        let carol = Client::create(&folder, &handle("carol")?, None)?;
        carol.join(&self.alice.invite(None)?)?;
        let carol = carol.connect(self.transport.clone());
        let mut three = Three::listen(self, carol)?;
        for (reader, whose) in [(&three.carol, &self.alice), (&self.alice, &three.carol)] {
            let found = published(reader, whose.handle()).await?;
            let said = format!("key {}, and what MLS needs to begin", found.fingerprint());
            tell.row(&format!("{} has published", whose.handle()), &said)?;
        }
        let text = "Hello Carol! Only you can read this, from the first word on.";
        let landed = send(&self.alice, Draft::text(three.carol.handle().clone(), text)).await?;
        tell.row("Alice typed", text)?;
        self.show_record(landed).await?;
        let arrived = self.reads("Carol", &mut three.at_carol).await?;
        match &arrived.what {
            Item::Message(message) if message.protection == Protection::Mls => {
                tell.row("protected by", message.protection.describe())?;
            }
            _ => return Err(internal("the first contact in MLS")),
        }
        Ok(three)
    }

    fn safety_number(&self, carol: &Client) -> Result<(), Failure> {
        let tell = Teller(self.console);
        tell.title("8. Alice and Carol compare their safety number, as on the phone")?;
        let by_alice = self.alice.verification(carol.handle())?.safety_number();
        let by_carol = carol.verification(self.alice.handle())?.safety_number();
        tell.row("Alice sees", &by_alice.to_string())?;
        tell.row("Carol sees", &by_carol.to_string())?;
        match self.alice.verify_number(carol.handle(), &by_carol)? {
            Compared::Match => {
                tell.row("they agree", "nobody sits between them: carol is verified for Alice")
            }
            _ => Err(internal("one safety number for both")),
        }
    }

    async fn group(&self, three: &mut Three) -> Result<GroupName, Failure> {
        let tell = Teller(self.console);
        tell.title("9. Alice makes a group of three")?;
        let others = [self.bob.handle().clone(), three.carol.handle().clone()];
        published(&self.alice, self.bob.handle()).await?;
        let group = self.alice.create_group("trip", &others)?.group;
        tell.row(
            "Alice made",
            &format!("{} with {} and {}", human::group(&group), others[0], others[1]),
        )?;
        let text = "One record for both of you.";
        let landed = send(&self.alice, Draft::text_to(group.clone(), text)).await?;
        tell.row("Alice typed", text)?;
        self.show_record(landed).await?;
        self.reads("Bob", &mut three.at_bob).await?;
        self.reads("Carol", &mut three.at_carol).await?;
        let text = "I am packed!";
        send(&three.carol, Draft::text_to(group.clone(), text)).await?;
        tell.row("Carol typed", text)?;
        self.reads("Alice", &mut three.at_alice).await?;
        self.reads("Bob", &mut three.at_bob).await?;
        Ok(group)
    }

    async fn removal(&self, three: &mut Three, group: &GroupName) -> Result<(), Failure> {
        let tell = Teller(self.console);
        tell.title("10. Alice puts Carol out, and Carol reads nothing after")?;
        put_out(&self.alice, group, three.carol.handle()).await?;
        for (listener, name) in [
            (&mut three.at_alice, "Alice is told"),
            (&mut three.at_bob, "Bob is told"),
            (&mut three.at_carol, "Carol is told"),
        ] {
            let told = item(listener, "word that Carol is out", is_removal).await?;
            tell.row(name, &human::row(&told, self.console.color))?;
        }
        let text = "Carol has no key for this any more.";
        let landed = send(&self.alice, Draft::text_to(group.clone(), text)).await?;
        tell.row("Alice typed", text)?;
        self.show_record(landed).await?;
        self.reads("Bob", &mut three.at_bob).await?;
        match heard(&three.carol).await?.iter().any(|heard| heard == text) {
            false => tell.row("Carol reads", "nothing of it, and has read all that there is")?,
            true => return Err(internal("a group without Carol")),
        }
        match send(&three.carol, Draft::text_to(group.clone(), "Wait for me!")).await {
            Err(refused) if refused.code == "group_left" => {
                tell.row("Carol's answer", &format!("refused: {}", refused.message))
            }
            Err(failed) => Err(failed),
            Ok(_) => Err(internal("a group without Carol")),
        }
    }
}

impl Demo {
    /// Shows the next message that somebody is given.
    async fn reads(&self, who: &str, listener: &mut Listener) -> Result<HistoryItem, Failure> {
        let arrived = message(listener, who).await?;
        let shown = human::row(&arrived, self.console.color);
        Teller(self.console).row(&format!("{who} reads"), &shown)?;
        Ok(arrived)
    }
}

/// Everybody listens at once: what is due in a group is done by those who listen.
struct Three {
    carol: Client,
    at_alice: Listener,
    at_bob: Listener,
    at_carol: Listener,
}

impl Three {
    fn listen(demo: &Demo, carol: Client) -> Result<Self, Failure> {
        Ok(Self {
            at_alice: demo.alice.listen(ListenFrom::After(demo.read_by_alice))?,
            at_bob: demo.bob.listen(ListenFrom::After(demo.read_by_bob))?,
            at_carol: carol.listen(ListenFrom::After(Seq::ZERO))?,
            carol,
        })
    }
}

/// Waits until `reader` finds in the directory all that it takes to invite somebody.
async fn published(reader: &Client, whose: &Handle) -> Result<Published, Failure> {
    let found = async {
        loop {
            match reader.lookup(whose, PATIENCE).await {
                Ok(found) if found.key_package_made_at_ms().is_some() => return Ok(found),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(A_MOMENT).await;
        }
    };
    in_time(&format!("what {whose} publishes"), found).await
}

/// Asks for a removal, once what is on its way in the group has come back.
async fn put_out(admin: &Client, group: &GroupName, who: &Handle) -> Result<(), Failure> {
    let asked = async {
        loop {
            match admin.remove_from(group, std::slice::from_ref(who)) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::GroupBusy => {}
                Err(error) => return Err(Failure::from(error)),
            }
            tokio::time::sleep(A_MOMENT).await;
        }
    };
    in_time("the change before the removal", asked).await
}

fn is_removal(item: &Item) -> bool {
    matches!(item, Item::GroupChanged(changed) if matches!(changed.what, GroupEvent::Removed(_)))
}

/// What a new listener is given until it has read all that there is.
async fn heard(client: &Client) -> Result<Vec<String>, Failure> {
    let mut listener = client.listen(ListenFrom::After(Seq::ZERO))?;
    let all = async {
        let mut texts = Vec::new();
        loop {
            match listener.next().await? {
                Event::CaughtUp => return Ok(texts),
                Event::Item(item) => {
                    if let Item::Message(message) = item.what {
                        texts.push(message.text.expose().to_owned());
                    }
                }
                _ => {}
            }
        }
    };
    in_time(&format!("the end of the log for {}", client.handle()), all).await
}

/// Between two looks.
const A_MOMENT: Duration = Duration::from_millis(50);
