import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// A directory that a test fills and reads as a model.
struct ModelFolder {
    let path: String

    func write(_ text: String, to name: String) throws {
        try create(name)
        try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
    }

    func write(_ tensors: [String: Tensor], to name: String) throws {
        try create(name)
        try SafetensorsFile.write(tensors, to: "\(path)/\(name)")
    }

    var component: ComponentDirectory {
        get throws { try ComponentDirectory(path: path) }
    }

    private func create(_ name: String) throws {
        let directory = ("\(path)/\(name)" as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }
}

func withModelFolder(_ body: (ModelFolder) throws -> Void) throws {
    try withTemporaryDirectory { try body(ModelFolder(path: $0.path)) }
}

func assertFails<Result>(
    _ body: @autoclosure () throws -> Result, _ expected: String, file: StaticString = #filePath,
    line: UInt = #line
) {
    XCTAssertThrowsError(try body(), file: file, line: line) { error in
        XCTAssertTrue(error is ModelFilesError, "\(error)", file: file, line: line)
        XCTAssertEqual("\(error)", expected, file: file, line: line)
    }
}
