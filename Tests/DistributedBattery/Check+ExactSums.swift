import Distributed
import TensorCore

/// Micro-batches with numbers over many orders of magnitude, each a function of its global index alone.
public struct MicroBatches: Sendable {
    public let count: Int
    let gradientCount = 1_003

    public init(count: Int) {
        self.count = count
    }

    func gradient(_ batch: Int) -> [Float] {
        var random = SplitMix64(state: UInt64(batch) &* 7919 &+ 1)
        return (0..<gradientCount).map { _ in
            Float(random.uniform() - 0.5)
                * Float(sign: .plus, exponent: random.integer(-60...20), significand: 1)
        }
    }

    func rewards(_ batch: Int) -> [Double] {
        var random = SplitMix64(state: UInt64(batch) &* 104_729 &+ 3)
        return (0..<3).map { _ in random.uniform() * 20 - 10 }
    }

    /// The exact sum of all micro-batches, of which this rank contributes `own`, in that order.
    public func sum(_ own: [Int], over comm: any Communicator) throws -> ExactSum.Sums {
        var sum = ExactSum(
            floats: [("gradient", gradientCount), ("untouched", 4)], doubles: [("rewards", 3)])
        for batch in own {
            sum.add(gradient(batch), to: "gradient")
            sum.add(rewards(batch), to: "rewards")
        }
        return try sum.reduce(over: comm).get()
    }
}

extension ExactSum.Sums {
    /// The bits of all sums, to compare runs.
    public var bits: [UInt64] {
        let floatBits = floats.sorted { $0.key < $1.key }.flatMap { $0.value.map { UInt64($0.bitPattern) } }
        let doubleBits = doubles.sorted { $0.key < $1.key }.flatMap { $0.value.map(\.bitPattern) }
        return floatBits + doubleBits
    }
}

extension Check {
    static let exactSums: [Check] = [
        Check("exact sums have the bits of one rank, however micro-batches are divided and ordered") { comm in
            let batches = MicroBatches(count: 13)
            let reference = try batches.sum(Array(0..<13), over: SingleCommunicator())
            try requireEqual(reference.floats["untouched"], [0, 0, 0, 0], "untouched")
            let dealt = { (rank: Int) in (0..<13).filter { $0 % comm.size == rank } }
            let layout = try RankLayout(ranks: comm.size, items: 1, shards: 1)
            let divisions = [
                ("contiguous", Array(layout.microBatches(of: comm.rank, count: 13))),
                ("dealt out", dealt(comm.rank)),
                ("dealt out, backwards", dealt(comm.size - 1 - comm.rank).reversed()),
                ("all on the last rank", comm.rank == comm.size - 1 ? Array(0..<13) : []),
            ]
            for (name, own) in divisions {
                let found = try batches.sum(own, over: comm)
                try requireEqual(found.bits, reference.bits, "bits, \(name)")
            }
        },
        Check("exact sums are as accurate as documented") { comm in
            let batches = MicroBatches(count: 13)
            let own = (0..<13).filter { $0 % comm.size == comm.rank }
            let found = try batches.sum(own, over: comm)
            for (name, terms, values) in [
                (
                    "gradient", (0..<13).map { batches.gradient($0).map(Double.init) },
                    found.floats["gradient"]?.map(Double.init)
                ),
                ("rewards", (0..<13).map(batches.rewards), found.doubles["rewards"]),
            ] {
                let largest = terms.joined().map(abs).max() ?? 0
                let reference = terms.dropFirst().reduce(terms[0]) { zip($0, $1).map(+) }
                let unit = name == "gradient" ? Double(Float.ulpOfOne) / 2 : 1e-15
                try requireClose(
                    values ?? [], reference, atol: 13 * largest * 0x1p-42, rtol: unit, name)
            }
        },
        Check("a NaN on one rank and infinities on others are named on all") { comm in
            let last = comm.size - 1
            var sum = ExactSum(floats: [("a", 2), ("b", 3)], doubles: [("c", 1)])
            sum.add([1, 2] as [Float], to: "a")
            sum.add([0, comm.rank == last ? .nan : 1, 0] as [Float], to: "b")
            sum.add([comm.rank >= last - 1 ? -.infinity : 1] as [Double], to: "c")
            guard case .nonFinite(let error) = try sum.reduce(over: comm) else {
                throw CheckFailure(description: "the NaN went unnoticed")
            }
            try requireEqual(error.tensors, ["b", "c"], "tensors")
            let sources = error.sources.map { "\($0.rank)\($0.tensor)" }
            try requireEqual(sources, comm.size > 1 ? ["\(last - 1)c", "\(last)b"] : ["0b"], "sources")
            try require(
                "\(error)".contains("rank \(last) (first in b)"), "message does not name it: \(error)")
            // The same sum is of use for the next step.
            sum.add([1, 2] as [Float], to: "a")
            let next = try sum.reduce(over: comm).get()
            try requireEqual(next.floats["a"], [Float(comm.size), Float(2 * comm.size)], "next step")
        },
        Check("finite terms whose sum exceeds their type are reported on all") { comm in
            var sum = ExactSum(floats: [("small", 1), ("huge", 1)])
            for _ in 0..<4 { sum.add([3e38] as [Float], to: "huge") }
            guard case .nonFinite(let error) = try sum.reduce(over: comm) else {
                throw CheckFailure(description: "the overflow went unnoticed")
            }
            try requireEqual(error.tensors, ["huge"], "tensors")
            try requireEqual(error.sources.count, 0, "sources")
        },
        Check("more terms than fit are refused on all") { comm in
            var sum = ExactSum(doubles: [("x", 1)])
            let own = ExactSum.maximumTerms / comm.size + 1
            let term = Tensor.ones([1], dtype: .float64)
            for _ in 0..<own { sum.add(term, to: "x") }
            let error = try requireThrows(ExactSumError.self, "terms") { _ = try sum.reduce(over: comm) }
            try requireEqual(error, .tooManyTerms(own * comm.size), "error")
        },
    ]
}

/// Steele, Lea & Flood 2014: a small generator for test data.
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// In [0, 1).
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func integer(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }
}
