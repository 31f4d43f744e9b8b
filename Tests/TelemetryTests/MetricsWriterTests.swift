import Foundation
import Telemetry
import XCTest

final class MetricsWriterTests: XCTestCase {
    private func text(_ name: String, in directory: URL) throws -> String {
        try String(contentsOf: directory.appendingPathComponent(name), encoding: .utf8)
    }

    private func writeSteps(_ steps: ClosedRange<Int>, with writer: MetricsWriter, offset: Double = 0) throws
    {
        for step in steps {
            try writer.write(
                step: step, seconds: Double(step) / 4, scalars: [("loss", Double(step) + offset)])
        }
    }

    func testLinesAreOutBeforeWriteReturns() throws {
        try withTemporaryDirectory { directory in
            let writer = try MetricsWriter(directory: directory, columns: ["λ (mps, \"a\")", "loss"])
            try writer.write(
                step: 1, seconds: 0.5, scalars: [("loss", 0.1), ("λ (mps, \"a\")", 1e-7), ("lr", 3)])
            XCTAssertEqual(
                try text("metrics.jsonl", in: directory),
                #"{"step":1,"seconds":0.5,"loss":0.1,"λ (mps, \"a\")":1e-07,"lr":3.0}"# + "\n")
            XCTAssertEqual(
                try text("metrics.csv", in: directory),
                #"step,seconds,"λ (mps, ""a"")",loss"# + "\n1,0.5,1e-07,0.1\n")
        }
    }

    func testNumbersThatAreNotFinite() throws {
        try withTemporaryDirectory { directory in
            let writer = try MetricsWriter(directory: directory, columns: ["a", "b", "c", "d"])
            try writer.write(
                step: 0, seconds: 0, scalars: [("a", .nan), ("b", .infinity), ("c", -.infinity)])
            XCTAssertEqual(
                try text("metrics.jsonl", in: directory),
                #"{"step":0,"seconds":0.0,"a":null,"b":null,"c":null}"# + "\n")
            XCTAssertEqual(
                try text("metrics.csv", in: directory), "step,seconds,a,b,c,d\n0,0.0,nan,inf,-inf,\n")
        }
    }

    func testDoublesSurviveToTheBit() throws {
        let values = [
            0.1 + 0.2, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -0.0, 1 / 3.0, 123456789012345680,
        ]
        try withTemporaryDirectory { directory in
            let writer = try MetricsWriter(directory: directory, columns: ["x"])
            for (step, value) in values.enumerated() {
                try writer.write(step: step, seconds: value, scalars: [("x", value)])
            }
            let history = try MetricsHistory(directory: directory)
            XCTAssertEqual(history["x"]?.map(\.bitPattern), values.map(\.bitPattern))
            XCTAssertEqual(history.seconds.map(\.bitPattern), values.map(\.bitPattern))
            let cells = try text("metrics.csv", in: directory).split(separator: "\n").dropFirst().map {
                $0.split(separator: ",").compactMap { Double($0)?.bitPattern }.last
            }
            XCTAssertEqual(cells, values.map(\.bitPattern))
        }
    }

    func testResumeDropsLaterAndTornLines() throws {
        try withTemporaryDirectory { directory in
            try writeSteps(1...5, with: MetricsWriter(directory: directory, columns: ["loss"]))
            for (name, torn) in [("metrics.jsonl", #"{"step":6,"sec"#), ("metrics.csv", "6,1.")] {
                let file = try FileHandle(forWritingTo: directory.appendingPathComponent(name))
                try file.seekToEnd()
                try file.write(contentsOf: Data(torn.utf8))
                try file.close()
            }
            let resumed = try MetricsWriter(directory: directory, columns: ["loss"], resumedStep: 3)
            try writeSteps(4...6, with: resumed, offset: 0.5)
            let history = try MetricsHistory(directory: directory)
            XCTAssertEqual(history.steps, [1, 2, 3, 4, 5, 6])
            XCTAssertEqual(history["loss"], [1, 2, 3, 4.5, 5.5, 6.5])
            XCTAssertEqual(
                try text("metrics.csv", in: directory),
                "step,seconds,loss\n1,0.25,1.0\n2,0.5,2.0\n3,0.75,3.0\n4,1.0,4.5\n5,1.25,5.5\n6,1.5,6.5\n")
        }
    }

    /// Whatever the byte at which the process died, a resume finds whole lines up to its step and nothing
    /// else.
    func testResumeAfterDeathAtAnyByte() throws {
        try withTemporaryDirectory { directory in
            try writeSteps(1...3, with: MetricsWriter(directory: directory, columns: ["loss"]))
            for name in ["metrics.jsonl", "metrics.csv"] {
                let whole = try Data(contentsOf: directory.appendingPathComponent(name))
                for length in 0...whole.count {
                    try whole.prefix(length).write(to: directory.appendingPathComponent(name))
                    _ = try MetricsWriter(directory: directory, columns: ["loss"], resumedStep: 2)
                    let kept = try text(name, in: directory).split(separator: "\n").dropFirst(
                        name.hasSuffix("csv") ? 1 : 0)
                    let lines = String(decoding: whole.prefix(length), as: UTF8.self)
                        .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                    XCTAssertEqual(
                        kept.count, min(max(lines.count - (name.hasSuffix("csv") ? 1 : 0), 0), 2),
                        "\(name) \(length)")
                }
            }
        }
    }

    func testFreshRunEmptiesTheFiles() throws {
        try withTemporaryDirectory { directory in
            try writeSteps(1...5, with: MetricsWriter(directory: directory, columns: ["loss"]))
            _ = try MetricsWriter(directory: directory, columns: ["other"])
            XCTAssertEqual(try text("metrics.jsonl", in: directory), "")
            XCTAssertEqual(try text("metrics.csv", in: directory), "step,seconds,other\n")
        }
    }

    func testResumeWithOtherColumnsIsRefused() throws {
        try withTemporaryDirectory { directory in
            try writeSteps(1...2, with: MetricsWriter(directory: directory, columns: ["loss"]))
            XCTAssertThrowsError(
                try MetricsWriter(directory: directory, columns: ["kl"], resumedStep: 1)
            ) { error in
                let path = directory.appendingPathComponent("metrics.csv").path
                XCTAssertEqual(
                    error as? TelemetryError, .columnsChanged(path: path, expected: "step,seconds,kl"))
            }
            XCTAssertEqual(try MetricsHistory(directory: directory).steps, [1, 2])
        }
    }

    func testMissingDirectoryIsNamed() {
        let nowhere = URL(fileURLWithPath: "/nonexistent/run")
        XCTAssertThrowsError(try MetricsWriter(directory: nowhere, columns: [])) { error in
            XCTAssertEqual(
                error as? TelemetryError,
                .cannotWrite(path: "/nonexistent/run/metrics.jsonl", reason: "No such file or directory"))
        }
        XCTAssertThrowsError(try MetricsHistory(directory: nowhere))
    }

    func testHistoryNamesTheBrokenLine() throws {
        try withTemporaryDirectory { directory in
            let file = directory.appendingPathComponent("metrics.jsonl")
            try Data("{\"step\":1,\"seconds\":0,\"a\":1}\nnonsense\n{\"step\":3".utf8).write(to: file)
            XCTAssertThrowsError(try MetricsHistory(directory: directory)) { error in
                XCTAssertEqual(
                    error as? TelemetryError,
                    .cannotRead(path: file.path, reason: "line 2 is no metrics line"))
            }
        }
    }

    func testHistoryFillsGapsWithNaN() throws {
        try withTemporaryDirectory { directory in
            let writer = try MetricsWriter(directory: directory, columns: [])
            try writer.write(step: 1, seconds: 0, scalars: [("a", 1)])
            try writer.write(step: 2, seconds: 0, scalars: [("b", 2)])
            let history = try MetricsHistory(directory: directory)
            XCTAssertEqual(history.names, ["a", "b"])
            XCTAssertEqual(history["a"]?.map(\.isNaN), [false, true])
            XCTAssertEqual(history["b"]?.map(\.isNaN), [true, false])
            XCTAssertNil(history["c"])
        }
    }

    /// A disk that is full in the middle of a line: the error is told, and the line does not stay half.
    func testTornWriteIsTakenBack() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appendingPathComponent("log").path
            let file = try LogFile(path: path, keptBytes: 0)
            try file.append("first\n".utf8)
            let previousHandler = signal(SIGXFSZ, SIG_IGN)
            var unlimited = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &unlimited)
            var limited = rlimit(rlim_cur: 9, rlim_max: unlimited.rlim_max)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limited)
            let result = Result { try file.append("second\n".utf8) }
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &unlimited)
            signal(SIGXFSZ, previousHandler)
            XCTAssertThrowsError(try result.get()) { error in
                XCTAssertEqual(error as? TelemetryError, .cannotWrite(path: path, reason: "File too large"))
            }
            try file.append("third\n".utf8)
            XCTAssertEqual(try String(contentsOfFile: path, encoding: .utf8), "first\nthird\n")
        }
    }
}
