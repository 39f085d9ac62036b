//! What the service runs is what runs here.

use crate::shell::read;

#[test]
fn each_command_of_the_workflow_is_one_of_ci_run() {
    let (workflow, here) = (read(".github/workflows/ci.yml").unwrap(), read(".ci/run").unwrap());
    let commands: Vec<&str> =
        workflow.lines().filter_map(|line| line.split_once("run: ")).map(|(_, run)| run).collect();
    assert!(commands.len() >= 3, "only {} commands were found", commands.len());
    for command in commands {
        assert!(command.starts_with("cargo xtask "), "{command} is no command of the runner");
        assert!(here.lines().any(|line| line.starts_with(command)), ".ci/run does not run {command}");
    }
}
