//! The one shape of a streaming stage.

/// A streaming stage: items go in with `push`, whatever is ready comes out; `finish` flushes the tail.
///
/// Contract, checked by each stage's conformance test: the outputs do not depend on how the input was cut into
/// pushes; input at the very start and to the very end counts; memory is bounded by options, not by input length.
pub trait Stage<I, O> {
    /// What can go wrong inside the stage.
    type Error: std::error::Error;

    /// Takes one input and appends every output that is complete.
    fn push(&mut self, input: I, out: &mut Vec<O>) -> Result<(), Self::Error>;

    /// Ends the stream and appends what was still open. The stage may be used again for a new stream after it.
    fn finish(&mut self, out: &mut Vec<O>) -> Result<(), Self::Error>;
}
