import Foundation

/// A reference file that a test needs is not in the checkout.
public struct MissingFixture: Error, CustomStringConvertible {
    public let url: URL

    public var description: String {
        "\(url.path): no such fixture; run the generator that stands beside it"
    }
}

/// `Fixtures/name` beside the test file that asks.
public func fixture(_ name: String, testFile: StaticString = #filePath) throws -> URL {
    let url = URL(fileURLWithPath: "\(testFile)").deletingLastPathComponent()
        .appendingPathComponent("Fixtures").appendingPathComponent(name)
    guard FileManager.default.fileExists(atPath: url.path) else { throw MissingFixture(url: url) }
    return url
}

/// Runs `body` with a fresh directory that is removed afterwards.
public func withTemporaryDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent("saddle-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try body(directory)
}

/// The directory of `Package.swift`.
public let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
