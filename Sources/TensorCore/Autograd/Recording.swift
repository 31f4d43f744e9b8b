/// Whether operations on this thread (or task) join the graph.
public enum Recording {
    @TaskLocal package static var isOn = true
}

/// Runs `body` without recording: nothing inside keeps its inputs for a backward pass.
public func withoutRecording<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Recording.$isOn.withValue(false, operation: body)
}

package func withRecording<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Recording.$isOn.withValue(true, operation: body)
}
