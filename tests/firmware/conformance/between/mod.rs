//! The cases of what goes on between tasks.

mod channels;
mod locks;
mod tasks;

use crate::runner::{Case, cases};

pub(crate) const ALL: &[(&str, &[Case])] =
    &[("locks", locks::CASES), ("channels", channels::CASES), ("tasks", tasks::CASES)];
