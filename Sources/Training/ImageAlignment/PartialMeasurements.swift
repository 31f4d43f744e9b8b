import Checkpoints

/// Sums over images that a run measures part by part, so that it can stop between two parts and go on there.
///
/// The sum of a part is exact, and parts are added in their order: neither ranks nor interruptions change a bit.
struct PartialMeasurements {
    /// One measurement, as far as it has come.
    private struct Sum {
        var samples = 0
        var scalars: [Double]
    }

    private var sums: [String: Sum] = [:]

    /// Images of all measurements so far.
    var samples: Int { sums.values.reduce(0) { $0 + $1.samples } }

    /// Images that are still to be measured.
    func remaining(of name: String, samples: Int) -> Range<Int> {
        min(sums[name]?.samples ?? 0, samples)..<samples
    }

    mutating func add(_ scalars: [Double], samples: Int, to name: String) {
        var sum = sums[name] ?? Sum(scalars: scalars.map { _ in 0 })
        sum.samples += samples
        sum.scalars = zip(sum.scalars, scalars).map { $0 + $1 }
        sums[name] = sum
    }

    func scalars(of name: String) -> [Double] { sums[name]?.scalars ?? [] }

    func save(to tree: inout StateTree, at path: String) {
        for (name, sum) in sums {
            tree.set(sum.samples, at: "\(path)/\(name)/samples")
            tree.set(sum.scalars, at: "\(path)/\(name)/sums")
        }
    }

    init() {}

    init(from tree: StateTree, at path: String) throws {
        let names = Set(
            tree.subtree(path).paths.compactMap { $0.split(separator: "/").first.map(String.init) })
        for name in names {
            sums[name] = Sum(
                samples: try tree.count("\(path)/\(name)/samples"),
                scalars: try tree.doubles("\(path)/\(name)/sums"))
        }
    }
}
