import Foundation
import TestSupport
import XCTest

/// A directory of its own for each test, and the built command in it.
class CommandTestCase: XCTestCase {
    private(set) var workspace = Workspace(path: "")

    override func setUpWithError() throws {
        workspace = Workspace(path: NSTemporaryDirectory() + "saddle-command-" + UUID().uuidString)
        try FileManager.default.createDirectory(atPath: workspace.path, withIntermediateDirectories: true)
    }

    override func tearDownWithError() throws {
        try FileManager.default.removeItem(atPath: workspace.path)
    }
}

/// The directory a test works in.
struct Workspace: Sendable {
    let path: String

    /// Path of something in it.
    func at(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and returns its path.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: at(name), atomically: false, encoding: .utf8)
        return at(name)
    }

    /// Runs `saddle` here with one thread; by itself, or under mpirun where `ranks` is given.
    func saddle(
        _ arguments: [String], ranks: Int? = nil, environment: [String: String] = [:],
        timeout: TimeInterval = 120
    ) throws -> CommandResult {
        let folder = URL(fileURLWithPath: path)
        let environment = self.environment.merging(environment) { $1 }
        let result =
            if let ranks {
                try Subprocess.mpirun(
                    ranks: ranks, arguments, environment: environment, directory: folder, timeout: timeout)
            } else {
                try Subprocess.saddle(
                    arguments, environment: environment, directory: folder, timeout: timeout)
            }
        guard !result.timedOut else {
            throw UnexpectedEnd(arguments: arguments, ranks: ranks, result: result)
        }
        return result
    }

    /// Starts `saddle` as `saddle(_:)` does and waits for its end, but first, as soon as `condition` holds, runs
    /// `disturbance`. Both are of the shell, for which `$!` is what was started.
    func disturb(
        _ arguments: [String], ranks: Int?, once condition: String, by disturbance: String
    ) throws -> CommandResult {
        let binary = Subprocess.productsDirectory.appendingPathComponent("saddle").path
        let launcher = ranks.map { ["mpirun", "-n", "\($0)", "--oversubscribe", "--bind-to", "none"] } ?? []
        let start = (launcher + [binary] + arguments).map { "'\($0)'" }.joined(separator: " ")
        let script = "\(start) & until \(condition); do sleep 0.01; done; \(disturbance); wait $!"
        let root = ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"]
        return try Subprocess.run(
            "/bin/bash", ["-c", script], environment: environment.merging(root) { $1 },
            directory: URL(fileURLWithPath: path), timeout: 60)
    }

    /// Trains as `problem` says, into the run directory `output`, to the end.
    ///
    /// - Throws: `UnexpectedEnd` unless the exit code is 0 and standard output empty.
    @discardableResult
    func finish(
        _ problem: Problem, _ arguments: [String] = [], output: String = "run", ranks: Int? = nil
    ) throws -> RunDirectory {
        try train(problem, arguments, output: output, ranks: ranks, exitCode: 0)
        return RunDirectory(path: at(output))
    }

    /// Trains as `problem` says and expects `exitCode`; returns what it said on standard error.
    @discardableResult
    func train(
        _ problem: Problem, _ arguments: [String] = [], output: String = "run", ranks: Int? = nil,
        environment: [String: String] = [:], exitCode: Int32
    ) throws -> String {
        let arguments = try command(problem, output: output) + arguments
        let result = try saddle(arguments, ranks: ranks, environment: environment)
        guard result.exitCode == exitCode, result.standardOutput.isEmpty else {
            throw UnexpectedEnd(arguments: arguments, ranks: ranks, result: result)
        }
        return result.standardError
    }

    /// The arguments that train as `problem` says; writes its configuration.
    func command(_ problem: Problem, output: String) throws -> [String] {
        let configuration = try write(problem.yaml, to: "\(output).yaml")
        return [problem.command, configuration, "--output", at(output)]
    }

    /// One thread, and a start of MPI that needs neither a network nor /dev/shm.
    var environment: [String: String] {
        [
            "OMP_NUM_THREADS": "1", "OMPI_MCA_pml": "ob1", "OMPI_MCA_btl": "self,vader",
            "OMPI_MCA_btl_vader_backing_directory": path, "OMPI_MCA_mpi_yield_when_idle": "1",
            "SWIFT_BACKTRACE": "enable=no",
        ]
    }
}

/// A command ended in another way than it should have.
struct UnexpectedEnd: Error, CustomStringConvertible {
    let arguments: [String]
    let ranks: Int?
    let result: CommandResult

    var description: String {
        let start = ranks.map { "mpirun -n \($0) " } ?? ""
        let end = result.timedOut ? "took too long" : "exit code \(result.exitCode)"
        return "\(start)saddle \(arguments.joined(separator: " ")): \(end)\n\(result.standardOutput)"
            + result.standardError
    }
}

/// Runs `body` for all `items`, two at a time: the tests are made for two cores.
func twoAtATime<Item: Sendable, Result: Sendable>(
    _ items: [Item], _ body: @escaping @Sendable (Item) throws -> Result
) throws -> [Result] {
    let queue = OperationQueue()
    queue.maxConcurrentOperationCount = 2
    let results = Results<Result>(count: items.count)
    for (index, item) in items.enumerated() {
        queue.addOperation { results.set(index, Swift.Result { try body(item) }) }
    }
    queue.waitUntilAllOperationsAreFinished()
    return try results.all()
}

/// Results of operations that end in any order.
private final class Results<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [Result<Value, any Error>?]

    init(count: Int) { values = Array(repeating: nil, count: count) }

    func set(_ index: Int, _ value: Result<Value, any Error>) {
        lock.withLock { values[index] = value }
    }

    func all() throws -> [Value] { try lock.withLock { try values.compactMap { try $0?.get() } } }
}
