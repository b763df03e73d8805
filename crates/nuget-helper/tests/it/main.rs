//! The plugin as NuGet sees it: lines in, lines out, with the agent, the person and the time made up.

#[cfg(test)]
mod asking;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod local;
#[cfg(test)]
mod patience;
#[cfg(test)]
mod program;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod running;
#[cfg(test)]
mod signing_in;
#[cfg(test)]
mod talk;
