//! A dump as text: a line for each task and scope, with what is in it further to the right.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use super::dump::{Dump, Node, NodeKind, TaskNode};
use super::line;
use crate::task_info::{Status, TaskId, Waits};

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_whole {
            writeln!(f, "(not all there is)")?;
        }
        let view = View::new(&self.nodes);
        for (number, node) in self.nodes.iter().enumerate() {
            line::indent(f, node.depth)?;
            view.show(f, number, node)?;
            writeln!(f)?;
        }
        Ok(())
    }
}

/// The nodes of a dump, with where each task is among them.
pub(super) struct View<'a> {
    pub(super) nodes: &'a [Node],
    places: BTreeMap<TaskId, usize>,
    /// What comes after each, and is not in it.
    ends: Vec<usize>,
}

impl<'a> View<'a> {
    pub(super) fn new(nodes: &'a [Node]) -> Self {
        let mut view = View { nodes, places: BTreeMap::new(), ends: ends(nodes) };
        view.places = view.tasks().map(|(number, task)| (task.id, number)).collect();
        view
    }

    fn show(&self, f: &mut fmt::Formatter<'_>, number: usize, node: &Node) -> fmt::Result {
        match &node.kind {
            NodeKind::Task(task) => self.show_task(f, number, task)?,
            NodeKind::Nursery { children } => line::nursery(f, *children)?,
            NodeKind::Scope => line::scope(f, node.is_shielded)?,
        }
        line::end(f, node.cancelled, node.deadline)
    }

    fn show_task(&self, f: &mut fmt::Formatter<'_>, number: usize, task: &TaskNode) -> fmt::Result {
        write!(f, "{}", task.title())?;
        if let Some(place) = task.spawned_at {
            write!(f, ", spawned at {place}")?;
        }
        match task.status {
            Status::Running if task.waits.as_deref().unwrap_or_default().is_empty() => return f.write_str(": runs"),
            Status::Running => f.write_str(": runs, and ")?,
            Status::Ready => return f.write_str(": is ready to go on"),
            Status::Cancelling => return f.write_str(": is cancelled"),
            _ => f.write_str(": ")?,
        }
        match task.waits.as_deref() {
            None => f.write_str("waits, and nobody polls it"),
            Some([]) if self.has_children(number) => f.write_str("waits for its children"),
            Some([]) => f.write_str("waits for something that does not say what it is"),
            Some(waits) => {
                f.write_str("waits for ")?;
                self.show_waits(f, waits)
            }
        }
    }

    /// As in "waits for …", one after the other.
    pub(super) fn show_waits<'w>(
        &self,
        f: &mut impl fmt::Write,
        waits: impl IntoIterator<Item = &'w Waits>,
    ) -> fmt::Result {
        for (number, wait) in waits.into_iter().enumerate() {
            f.write_str(if number > 0 { "; and for " } else { "" })?;
            self.show_wait(f, wait)?;
        }
        Ok(())
    }

    /// As in "waits for …".
    fn show_wait(&self, f: &mut impl fmt::Write, wait: &Waits) -> fmt::Result {
        if let ("task", Some(id)) = (wait.what, wait.task) {
            return write!(f, "{}", self.title_of(id));
        }
        f.write_str(wait.what)?;
        if let Some(name) = &wait.name {
            write!(f, " {name:?}")?;
        }
        if let Some(place) = wait.asked_at {
            write!(f, " at {place}")?;
        }
        match wait.task {
            Some(id) => write!(f, ", held by {}", self.title_of(id)),
            None => Ok(()),
        }
    }

    /// The task, with its number in the list.
    pub(super) fn task(&self, id: TaskId) -> Option<(usize, &'a TaskNode)> {
        let number = *self.places.get(&id)?;
        Some((number, task_of(&self.nodes[number])?))
    }

    pub(super) fn tasks(&self) -> impl Iterator<Item = (usize, &'a TaskNode)> + use<'a> {
        self.nodes.iter().enumerate().filter_map(|(number, node)| Some((number, task_of(node)?)))
    }

    /// The numbers of what is in one.
    pub(super) fn inside(&self, number: usize) -> Range<usize> {
        number + 1..self.ends[number]
    }

    pub(super) fn has_children(&self, number: usize) -> bool {
        self.inside(number).any(|at| task_of(&self.nodes[at]).is_some())
    }

    pub(super) fn title_of(&self, id: TaskId) -> impl fmt::Display + use<'a> {
        let name = self.task(id).map(|(_, task)| task.name.as_str());
        fmt::from_fn(move |f| match name {
            Some(name) => line::title(f, name, id),
            None => write!(f, "{id}"),
        })
    }
}

/// Where what is in each ends: found once, since many may wait for one who has many children.
fn ends(nodes: &[Node]) -> Vec<usize> {
    let (mut ends, mut open) = (vec![nodes.len(); nodes.len()], Vec::new());
    for (number, node) in nodes.iter().enumerate() {
        while let Some(inner) = open.pop_if(|outer: &mut usize| nodes[*outer].depth >= node.depth) {
            ends[inner] = number;
        }
        open.push(number);
    }
    ends
}

fn task_of(node: &Node) -> Option<&TaskNode> {
    match &node.kind {
        NodeKind::Task(task) => Some(task),
        _ => None,
    }
}

impl TaskNode {
    pub(super) fn title(&self) -> impl fmt::Display {
        fmt::from_fn(|f| line::title(f, &self.name, self.id))
    }
}
