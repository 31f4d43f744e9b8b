import Distributed

/// One property of a communicator, which every rank checks together with the others.
public struct Check: Sendable {
    public let name: String
    public let run: @Sendable (any Communicator) throws -> Void

    init(_ name: String, _ run: @escaping @Sendable (any Communicator) throws -> Void) {
        self.name = name
        self.run = run
    }

    /// What every communicator must do, at any number of ranks.
    public static let battery =
        collectives + groups + exactSums + failures
}

/// A property that does not hold.
public struct CheckFailure: Error, CustomStringConvertible {
    public let description: String
}

func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw CheckFailure(description: message()) }
}

func requireEqual<Value: Equatable>(_ found: Value, _ expected: Value, _ what: String) throws {
    try require(found == expected, "\(what): found \(found), expected \(expected)")
}

/// |x − reference| <= atol + rtol · |reference|, element by element; NaN is never close.
func requireClose(
    _ found: [Double], _ reference: [Double], atol: Double, rtol: Double, _ what: String
) throws {
    try requireEqual(found.count, reference.count, "\(what), count")
    for (i, (x, expected)) in zip(found, reference).enumerated() {
        try require(
            abs(x - expected) <= atol + rtol * abs(expected),
            "\(what)[\(i)]: found \(x), expected \(expected), off by \(abs(x - expected))")
    }
}

/// The error of type `Failure` that `body` throws.
func requireThrows<Failure: Error>(
    _ type: Failure.Type, _ what: String, _ body: () throws -> Void
) throws -> Failure {
    do {
        try body()
    } catch let error as Failure {
        return error
    }
    throw CheckFailure(description: "\(what): no error, expected \(type)")
}
