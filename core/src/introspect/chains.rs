//! Who waits for whom.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use super::dump::{Dump, TaskNode};
use super::show::View;
use crate::kernel::scope::stop::WORD as STOP;
use crate::kernel::storage::slots::WORD as ROOM;
use crate::task_info::{Status, TaskId, Waits};

impl Dump {
    /// Who waits for whom: a sentence for each chain, as `a waits for mutex "x" at …, held by b, which waits for c, which
    /// waits for sleep at …`. It ends with what no task has, or with one that was named before: these wait for each other.
    /// One that waits for several things at once is told with all of them, but for a stop beside others.
    ///
    /// A chain begins with one for whom nobody waits, if there is one. Those that wait for each other come first.
    ///
    /// ```
    /// # use giambio_core::sync::Mutex;
    /// # use giambio_core::{introspect, nursery, testing};
    /// # testing::run(async {
    /// # let lock = Mutex::new(()).named("lock");
    /// # nursery(async |n| {
    /// let _guard = lock.lock().await;
    /// let child = n.child().name("child").spawn(async { Ok::<_, ()>(drop(lock.lock().await)) });
    /// testing::wait_all_blocked().await;
    /// let dump = introspect::dump().await;
    /// assert!(dump.chains().iter().any(|chain| chain.starts_with("child (")));
    /// # child.cancel();
    /// # Ok(())
    /// # }).await
    /// # }).unwrap();
    /// ```
    pub fn chains(&self) -> Vec<String> {
        let view = View::new(&self.nodes);
        let waiting: Vec<_> = view.tasks().filter(|(_, task)| task.is_waiting()).collect();
        let waited_for: BTreeSet<_> = waiting.iter().filter_map(|(_, task)| Some(depends(task)?.1)).collect();
        let (mut told, mut rings, mut others) = (BTreeSet::new(), Vec::new(), Vec::new());
        let heads = waiting.iter().filter(|(_, task)| !waited_for.contains(&task.id));
        // What is left is in a ring for which nobody else waits.
        for &(number, task) in heads.chain(&waiting) {
            if !told.contains(&task.id) {
                let (text, is_ring) = view.chain(number, task, &mut told);
                if is_ring { rings.push(text) } else { others.push(text) }
            }
        }
        rings.extend(others);
        rings
    }
}

impl<'a> View<'a> {
    /// The chain from this task on. Is it one that comes back?
    fn chain(&self, mut number: usize, mut task: &'a TaskNode, told: &mut BTreeSet<TaskId>) -> (String, bool) {
        let (mut text, mut chain) = (String::new(), BTreeSet::new());
        let _ = write!(text, "{}", task.title());
        loop {
            chain.insert(task.id);
            told.insert(task.id);
            let waits = in_order(task);
            if waits.is_empty() {
                let is_ring = self.tell_end(&mut text, number, task, &chain);
                return (text, is_ring);
            }
            text += " waits for ";
            let is_for_room = waits.iter().any(|wait| wait.what == ROOM);
            let _ = self.show_waits(&mut text, waits);
            if is_for_room {
                text += self.who_has_room();
            }
            let Some((next, other)) = depends(task).and_then(|(_, other)| self.task(other)) else {
                return (text, false);
            };
            if chain.contains(&other.id) || !other.is_waiting() {
                return (text, chain.contains(&other.id));
            }
            text += ", which";
            (number, task) = (next, other);
        }
    }

    /// An arena is a `static`: what is in it may be of another runtime, of which this one knows nothing.
    fn who_has_room(&self) -> &'static str {
        if self.tasks().all(|(_, task)| task.id == TaskId::MAIN) {
            ": tasks of other runtimes have all places of that arena, which other tests may use at the same time; \
             `Simulation::patience` waits for other threads"
        } else {
            "; tasks of other runtimes may have places of that arena, too"
        }
    }

    /// The end of a chain with one who waits for nothing that says its name. Is one of the chain in it?
    fn tell_end(&self, text: &mut String, number: usize, task: &TaskNode, chain: &BTreeSet<TaskId>) -> bool {
        if task.waits.is_none() {
            *text += " is not polled by anybody";
            return false;
        }
        if !self.has_children(number) {
            *text += " waits for something that does not say what it is";
            return false;
        }
        *text += " waits for its children";
        let among = self.inside(number);
        let is_inside = |id: &&TaskId| self.task(**id).is_some_and(|(at, _)| among.contains(&at));
        let inside = chain.iter().find(is_inside);
        if let Some(id) = inside {
            let _ = write!(text, ", {} among them", self.title_of(*id));
        }
        inside.is_some()
    }
}

impl TaskNode {
    /// All of it, or what is beside the code that is running.
    fn is_waiting(&self) -> bool {
        let beside = self.status == Status::Running && self.waits.as_ref().is_some_and(|waits| !waits.is_empty());
        self.status == Status::Waiting || beside
    }
}

/// What a task waits for: last what the chain goes on from. A stop is left out if there is anything else, for which it really
/// waits.
fn in_order(task: &TaskNode) -> Vec<&Waits> {
    let mut waits: Vec<_> = task.waits.iter().flatten().collect();
    if waits.iter().any(|wait| wait.what != STOP) {
        waits.retain(|wait| wait.what != STOP);
    }
    if let Some((last, _)) = depends(task) {
        waits.sort_by_key(|wait| *wait == last);
    }
    waits
}

/// What a task waits for that another has, and who that is.
fn depends(task: &TaskNode) -> Option<(&Waits, TaskId)> {
    task.waits.iter().flatten().find_map(|wait| Some((wait, wait.task?)))
}
