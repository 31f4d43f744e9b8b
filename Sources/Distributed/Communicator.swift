/// The ranks of a job, or of a group within it, and the collective operations among them.
///
/// Every rank of the communicator makes the same calls in the same order with the same sizes; a call
/// returns when this rank's part of it is done. One thread of a rank communicates at a time.
///
/// Errors: `CommunicationError`. After one, the communicator is of no further use.
public protocol Communicator: AnyObject, Sendable {
    /// This rank, in 0 ..< size.
    var rank: Int { get }
    /// Number of ranks.
    var size: Int { get }
    /// Position of this process among the job's processes on the same machine, in any group alike.
    var localRank: Int { get }
    /// Number of the job's processes on this machine; threads per rank are cores / localSize.
    var localSize: Int { get }

    /// Replaces buffer[i] by ⊕_r buffer_r[i] on every rank.
    ///
    /// The order of floating-point additions is the implementation's; `ExactSum` does not depend on it.
    /// Minimum and maximum of NaN are unspecified.
    func allReduce<Element: Reducible>(
        _ buffer: UnsafeMutableBufferPointer<Element>, _ reduction: Reduction) throws

    /// Copies the bytes of rank `root` to all others.
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws

    /// Lays the bytes of all ranks one after another into `all`, on every rank.
    ///
    /// - Parameter byteCounts: bytes that each rank contributes, the same array on every rank.
    func allGather(
        _ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, byteCounts: [Int]) throws

    /// As `allGather`, but on rank `root` only; elsewhere `all` is empty.
    func gather(
        _ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, byteCounts: [Int],
        root: Int) throws

    /// Returns when every rank has called it.
    func barrier() throws

    /// The group of ranks that name the same `color` (not negative), numbered by `key`, then by rank.
    ///
    /// A group lives as long as the job: make few.
    func split(color: Int, key: Int) throws -> any Communicator

    /// Ends all processes of the job with exit status `code`; 70 in place of 0, which would not end them.
    func abort(code: Int32) -> Never
}

/// The operation ⊕ of an all-reduce.
public enum Reduction: Sendable {
    case sum
    case minimum
    case maximum
    /// Integers only.
    case bitwiseOr
}

/// The types an all-reduce works on.
public enum ReducibleKind: Sendable {
    case float, double, int64, uint8
}

/// A number that an all-reduce works on: Float, Double, Int64 or UInt8.
public protocol Reducible: BitwiseCopyable, Sendable, Comparable {
    static var kind: ReducibleKind { get }
    /// a ⊕ b; sums of integers wrap around.
    static func reduce(_ a: Self, _ b: Self, _ reduction: Reduction) -> Self
}

extension Reducible where Self: FloatingPoint {
    public static func reduce(_ a: Self, _ b: Self, _ reduction: Reduction) -> Self {
        switch reduction {
        case .sum: return a + b
        case .minimum: return Swift.min(a, b)
        case .maximum: return Swift.max(a, b)
        case .bitwiseOr: preconditionFailure("bitwiseOr of \(kind), expected int64 or uint8")
        }
    }
}

extension Reducible where Self: FixedWidthInteger {
    public static func reduce(_ a: Self, _ b: Self, _ reduction: Reduction) -> Self {
        switch reduction {
        case .sum: a &+ b
        case .minimum: Swift.min(a, b)
        case .maximum: Swift.max(a, b)
        case .bitwiseOr: a | b
        }
    }
}

extension Float: Reducible { public static var kind: ReducibleKind { .float } }
extension Double: Reducible { public static var kind: ReducibleKind { .double } }
extension Int64: Reducible { public static var kind: ReducibleKind { .int64 } }
extension UInt8: Reducible { public static var kind: ReducibleKind { .uint8 } }
