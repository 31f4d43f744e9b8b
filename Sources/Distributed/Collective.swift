/// A collective call as ranks must agree on it, and as messages name it.
enum Collective: Equatable, Sendable, CustomStringConvertible {
    case allReduce(Reduction, ReducibleKind, count: Int)
    case broadcast(byteCount: Int, root: Int)
    case allGather(byteCounts: [Int])
    case gather(byteCounts: [Int], root: Int)
    case barrier
    case split

    var description: String {
        switch self {
        case .allReduce(let reduction, let kind, let count): "allReduce(\(reduction), \(count) × \(kind))"
        case .broadcast(let byteCount, let root): "broadcast(\(byteCount) bytes from \(root))"
        case .allGather(let byteCounts): "allGather(\(byteCounts.reduce(0, +)) bytes)"
        case .gather(let byteCounts, let root): "gather(\(byteCounts.reduce(0, +)) bytes to \(root))"
        case .barrier: "barrier"
        case .split: "split"
        }
    }
}
