// Threads of Rust's library: channels, scoped threads, atomics, a condition, thread-local values, a
// panic that is caught, a child process. Prints the same lines every time.
use std::cell::Cell;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Condvar, Mutex, RwLock};
use std::thread;
use std::time::Duration;

thread_local!(static MINE: Cell<u64> = Cell::new(7));

fn mix(mut x: u64) -> u64 {
    for _ in 0..2000 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    x
}

fn channels() -> u64 {
    let (sender, receiver) = channel();
    let threads: Vec<_> = (0..16u64)
        .map(|number| {
            let sender = sender.clone();
            thread::spawn(move || {
                for job in 0..100 {
                    sender.send(mix(number * 1000 + job + 1)).unwrap();
                }
            })
        })
        .collect();
    drop(sender);
    let sum = receiver.iter().fold(0u64, |sum, value| sum.wrapping_add(value));
    for thread in threads {
        thread.join().unwrap();
    }
    sum
}

fn turns() -> (u64, u64) {
    let state = Arc::new((Mutex::new(0u64), Condvar::new()));
    let barrier = Arc::new(Barrier::new(8));
    let leaders = Arc::new(AtomicU64::new(0));
    let threads: Vec<_> = (0..8u64)
        .map(|number| {
            let (state, barrier, leaders) = (state.clone(), barrier.clone(), leaders.clone());
            thread::spawn(move || {
                for _ in 0..50 {
                    let mut turn = state.0.lock().unwrap();
                    while *turn % 8 != number {
                        turn = state.1.wait(turn).unwrap();
                    }
                    *turn += 1;
                    state.1.notify_all();
                }
                if barrier.wait().is_leader() {
                    leaders.fetch_add(1, Ordering::SeqCst);
                }
                MINE.with(|mine| mine.set(mine.get() + number));
                MINE.with(|mine| mine.get())
            })
        })
        .collect();
    let own: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let turn = *state.0.lock().unwrap();
    (turn, own + 100 * leaders.load(Ordering::SeqCst))
}

fn scoped() -> u64 {
    let table = RwLock::new(vec![0u64; 64]);
    thread::scope(|scope| {
        for number in 0..8usize {
            let table = &table;
            scope.spawn(move || {
                for round in 0..200 {
                    table.write().unwrap()[(number * 8 + round) % 64] += mix(round as u64 + 1) % 1000;
                    thread::yield_now();
                }
            });
        }
    });
    let table = table.read().unwrap();
    table.iter().sum()
}

fn main() {
    println!("channels {}", channels());
    println!("turns {:?}", turns());
    println!("scoped {}", scoped());
    std::panic::set_hook(Box::new(|_| {}));
    let panics = (0..20)
        .filter(|&number| thread::spawn(move || assert!(number % 2 == 0)).join().is_err())
        .count();
    println!("panics {}", panics);
    let many: Vec<_> = (0..300u64)
        .map(|number| {
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(number % 5));
                number
            })
        })
        .collect();
    println!("many {}", many.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>());
    let child = Command::new("/bin/echo").arg("child").output().unwrap();
    println!("{}", String::from_utf8_lossy(&child.stdout).trim());
}
