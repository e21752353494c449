use std::time::Instant;
use super::profile::Random;
use super::*;

pub(super) fn payload_loss(costs: &[f32], d: f64, bits: usize) -> f64 {
    // most bits at the bound with distortion d
    let (mut lo, mut hi) = (bits as f64, 4.0 * bits as f64);
    for _ in 0..30 { let mid = (lo + hi) / 2.0; if bound::binary(costs, mid as usize).distortion > d { hi = mid } else { lo = mid } }
    1.0 - bits as f64 / lo
}

#[test]
fn lab_binary() {
    let ws: Vec<usize> = std::env::var("WS").unwrap_or("10,128".into()).split(',').map(|x| x.parse().unwrap()).collect();
    let hs: Vec<u32> = std::env::var("HS").unwrap_or("7,8,9,10,11,12".into()).split(',').map(|x| x.parse().unwrap()).collect();
    let reps: usize = std::env::var("REPS").map(|x| x.parse().unwrap()).unwrap_or(4);
    let pooled: u16 = std::env::var("POOL").map(|x| x.parse().unwrap()).unwrap_or(1);
    let total: usize = std::env::var("N").map(|x| x.parse().unwrap()).unwrap_or(65_536);
    for w in ws { for &h in &hs {
        let mut random = Random(42);
        let (mut d, mut opt, mut loss) = (0.0, 0.0, 0.0);
        let mut best = f64::MAX;
        let mut n = 0;
        for _ in 0..reps {
            let m = total / w; n = m * w;
            let costs = random.hill(n, pooled);
            let cover = random.bits(n); let message = random.bits(m);
            let code = random.code(h, w);
            let lambda = bound::lambda_binary(&costs, m);
            let nats = |e: usize| costs[e] * lambda;
            let t = Instant::now();
            let flips = layer::flips((&code, Layer::Binary, 1), &cover, nats, &message).unwrap();
            best = best.min(t.elapsed().as_secs_f64());
            let cost: f64 = flips.iter().map(|f| f64::from(costs[*f])).sum();
            let b = bound::binary(&costs, m);
            d += cost; opt += b.distortion;
            loss += payload_loss(&costs, cost, m);
        }
        println!("w {w} h {h} pool {pooled}: D/Dopt {:.4} payload loss {:.2} %  {:.2} Mel/s", d / opt, 100.0 * loss / reps as f64, n as f64 / best / 1e6);
    }}
}
