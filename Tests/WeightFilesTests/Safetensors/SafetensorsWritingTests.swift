import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

final class SafetensorsWritingTests: XCTestCase {
    private func contents(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    func testWritesTheBytesOfTheReferenceLibrary() throws {
        let reference = try fixture("tensors.safetensors").path
        let file = try SafetensorsFile(path: reference)
        let names = file.entries.map(\.name)
        let tensors = Dictionary(uniqueKeysWithValues: try names.map { ($0, try file.tensor($0)) })
        try withTemporaryDirectory { directory in
            let path = directory.appendingPathComponent("copy.safetensors").path
            try SafetensorsFile.write(tensors, metadata: file.metadata, to: path)
            XCTAssertEqual(try contents(path), try contents(reference))
        }
    }

    func testReadsBackWhatItWrote() throws {
        let tensors = [
            "normal": randomTensor([17, 3, 5], seed: 1),
            "half": randomTensor([33], seed: 2, dtype: .float16),
            "brain": randomTensor([2, 0, 4], seed: 3, dtype: .bfloat16),
            "sliced": randomTensor([6, 4], seed: 4, dtype: .float64).slice(2..<5),
            "\u{1}\u{1F}\u{7F}\n\r\u{8}\u{C}/日本": Tensor(indices: [1, 2, 3]),
        ]
        let metadata = ["format": "pt", "quote": "\"\\ \u{0} 𝄞", "": ""]
        try withTemporaryDirectory { directory in
            let path = directory.appendingPathComponent("x.safetensors").path
            try SafetensorsFile.write(tensors, metadata: metadata, to: path)
            let file = try SafetensorsFile(path: path)
            XCTAssertEqual(file.metadata, metadata)
            XCTAssertEqual(Set(file.entries.map(\.name)), Set(tensors.keys))
            for (name, tensor) in tensors { assertIdentical(try file.tensor(name), tensor, name) }
        }
    }

    func testAlignsHeaderAndTensors() throws {
        try withTemporaryDirectory { directory in
            for length in 1...9 {
                let path = directory.appendingPathComponent("x.safetensors").path
                let name = String(repeating: "n", count: length)
                try SafetensorsFile.write(
                    [name: randomTensor([3], seed: 0, dtype: .bfloat16), "d": randomTensor([1], seed: 0)],
                    to: path)
                let bytes = [UInt8](try contents(path))
                XCTAssertEqual(bytes[0] % 8, 0)
                let file = try SafetensorsFile(path: path)
                for entry in file.entries {
                    let start = try file.withBytes(of: entry.name) { Int(bitPattern: $0.baseAddress) }
                    XCTAssertEqual(start % (entry.type.bitWidth / 8), 0, entry.name)
                }
            }
        }
    }

    func testReplacesAFileWholeAndLeavesNothingBeside() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appendingPathComponent("x.safetensors").path
            try SafetensorsFile.write(["x": randomTensor([1000], seed: 0)], to: path)
            let before = try SafetensorsFile(path: path).tensor("x")
            try SafetensorsFile.write(["x": randomTensor([3], seed: 1)], to: path)
            assertIdentical(before, randomTensor([1000], seed: 0), "a view of the old file")
            assertIdentical(try SafetensorsFile(path: path).tensor("x"), randomTensor([3], seed: 1))
            XCTAssertEqual(
                try FileManager.default.contentsOfDirectory(atPath: directory.path), ["x.safetensors"])
        }
    }

    func testSaysWhyItCannotWrite() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appendingPathComponent("missing/x.safetensors").path
            XCTAssertThrowsError(try SafetensorsFile.write([:], to: path)) { error in
                XCTAssertEqual(
                    error as? SafetensorsError,
                    .unwritable(file: path, reason: "No such file or directory"))
            }
            // What is no file stays as it is, and nothing is left beside.
            let (taken, pipe, dangling) = ("taken", "pipe", "dangling")
            let place = { directory.appendingPathComponent($0).path }
            try FileManager.default.createDirectory(atPath: place(taken), withIntermediateDirectories: true)
            XCTAssertEqual(mkfifo(place(pipe), 0o600), 0)
            try FileManager.default.createSymbolicLink(
                atPath: place(dangling), withDestinationPath: "nothing")
            for name in [taken, pipe, dangling] {
                XCTAssertThrowsError(try SafetensorsFile.write([:], to: place(name))) { error in
                    XCTAssertEqual(error as? SafetensorsError, .notAFile(file: place(name)))
                }
            }
            XCTAssertEqual(
                try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted(),
                [dangling, pipe, taken])
        }
    }

    func testWritesThroughALink() throws {
        try withTemporaryDirectory { directory in
            let place = { directory.appendingPathComponent($0).path }
            try SafetensorsFile.write(["x": randomTensor([3], seed: 0)], to: place("x"))
            try FileManager.default.createSymbolicLink(atPath: place("link"), withDestinationPath: "x")
            try SafetensorsFile.write(["x": randomTensor([3], seed: 1)], to: place("link"))
            XCTAssertEqual(try FileManager.default.destinationOfSymbolicLink(atPath: place("link")), "x")
            assertIdentical(try SafetensorsFile(path: place("x")).tensor("x"), randomTensor([3], seed: 1))
        }
    }

    func testAFullDiskIsAnErrorAndLeavesTheOldFile() throws {
        // A file-size limit stands in for a full disk.
        try withTemporaryDirectory { directory in
            let path = directory.appendingPathComponent("x.safetensors").path
            try SafetensorsFile.write(["x": randomTensor([4], seed: 0)], to: path)
            let old = try contents(path)
            try withFileSizeLimit(4096) {
                XCTAssertThrowsError(
                    try SafetensorsFile.write(["x": randomTensor([1 << 16], seed: 1)], to: path)
                ) { error in
                    XCTAssertEqual(
                        error as? SafetensorsError, .unwritable(file: path, reason: "File too large"))
                }
            }
            XCTAssertEqual(try contents(path), old)
            XCTAssertEqual(
                try FileManager.default.contentsOfDirectory(atPath: directory.path), ["x.safetensors"])
        }
    }

    /// Runs `body` while this process cannot write files beyond `bytes`.
    private func withFileSizeLimit(_ bytes: rlim_t, _ body: () throws -> Void) throws {
        let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
        var old = rlimit()
        getrlimit(resource, &old)
        let handler = signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit(rlim_cur: bytes, rlim_max: old.rlim_max)
        setrlimit(resource, &limit)
        defer {
            setrlimit(resource, &old)
            signal(SIGXFSZ, handler)
        }
        try body()
    }
}
