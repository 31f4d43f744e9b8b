import Distributed
import Glibc

extension Check {
    static let collectives: [Check] = [
        Check("ranks are numbered from 0 and placed on a machine") { comm in
            try requireEqual(try comm.allGather([comm.rank]), Array(0..<comm.size), "ranks")
            try require(0..<comm.localSize ~= comm.localRank, "local rank \(comm.localRank)")
            try require(comm.localSize <= comm.size, "local size \(comm.localSize)")
            // All ranks of a test run on one machine, each with a local rank of its own.
            let local = try comm.allGather([comm.localRank]).sorted()
            try requireEqual(local, Array(0..<comm.size), "local ranks")
        },
        Check("allReduce sums, minima and maxima of every type") { comm in
            try checkReductions(of: Float.self, comm) { Float($0) }
            try checkReductions(of: Double.self, comm) { Double($0) }
            try checkReductions(of: Int64.self, comm) { Int64($0) }
            try checkReductions(of: UInt8.self, comm) { UInt8(truncatingIfNeeded: $0) }
        },
        Check("allReduce of bits") { comm in
            var bytes: [UInt8] = [UInt8(1 << (comm.rank % 8)), 0, 128]
            try comm.allReduce(&bytes, .bitwiseOr)
            let ranksSeen = (0..<comm.size).reduce(UInt8(0)) { $0 | UInt8(1 << ($1 % 8)) }
            try requireEqual(bytes, [ranksSeen, 0, 128], "bytes")
            let word = try comm.allReduce(Int64(1) << Int64(40 + comm.rank), .bitwiseOr)
            try requireEqual(word, (0..<comm.size).reduce(0) { $0 | Int64(1) << Int64(40 + $1) }, "word")
        },
        Check("allReduce of no elements and of integers that wrap around") { comm in
            var nothing: [Float] = []
            try comm.allReduce(&nothing, .sum)
            try requireEqual(nothing, [], "nothing")
            let wrapped = try comm.allReduce(Int64.max, .sum)
            try requireEqual(wrapped, Int64(truncatingIfNeeded: comm.size) &* .max, "wrapped")
        },
        Check("allReduce of a long array") { comm in
            var values = (0..<1_000_003).map { Double($0 * (comm.rank + 1)) }
            try comm.allReduce(&values, .sum)
            let factor = comm.size * (comm.size + 1) / 2
            try requireEqual(values, (0..<1_000_003).map { Double($0 * factor) }, "values")
        },
        Check("broadcast from every root, whatever the others hold") { comm in
            for root in 0..<comm.size {
                let own = [Int32](repeating: Int32(comm.rank), count: 3 + comm.rank)
                let expected = [Int32](repeating: Int32(root), count: 3 + root)
                try requireEqual(try comm.broadcast(own, root: root), expected, "root \(root)")
                let text = try comm.broadcast("rank \(comm.rank) ≠ λ", root: root)
                try requireEqual(text, "rank \(root) ≠ λ", "text of \(root)")
                try requireEqual(try comm.broadcast([Float](), root: root), [], "empty")
            }
        },
        Check("allGather of equal and of different lengths") { comm in
            let flat = try comm.allGather([Float(comm.rank), -1])
            try requireEqual(flat, (0..<comm.size).flatMap { [Float($0), -1] }, "flat")
            // Rank 0 has nothing to say.
            let each = try comm.allGatherEach([Int](repeating: comm.rank, count: comm.rank * 3))
            try requireEqual(each, (0..<comm.size).map { Array(repeating: $0, count: $0 * 3) }, "each")
        },
        Check("gather at every root") { comm in
            for root in 0..<comm.size {
                let length = { (rank: Int) in (rank + 1) % comm.size * 2 }
                let own = [Double](repeating: Double(comm.rank), count: length(comm.rank))
                let found = try comm.gatherEach(own, root: root)
                let all = (0..<comm.size).map { [Double](repeating: Double($0), count: length($0)) }
                try requireEqual(found, comm.rank == root ? all : nil, "at root \(root)")
            }
        },
        Check("barrier holds everyone until the last has come") { comm in
            usleep(UInt32(4000 * ((comm.rank * 5 + 3) % comm.size)))
            let entered = now()
            try comm.barrier()
            let left = now()
            let lastCame = try comm.allReduce(entered, .maximum)
            let firstLeft = try comm.allReduce(left, .minimum)
            try require(firstLeft >= lastCame, "left at \(firstLeft) s, last came at \(lastCame) s")
        },
    ]

    private static func checkReductions<Element: Reducible>(
        of type: Element.Type, _ comm: any Communicator, _ element: (Int) -> Element
    ) throws {
        // Small integers, so that every type adds them exactly; the expectation is computed in Int.
        let values = { (rank: Int) in (0..<5).map { $0 * (rank + 1) % 11 } }
        let all = (0..<comm.size).map(values)
        let expectations: [(Reduction, ([Int]) -> Int)] = [
            (.sum, { $0.reduce(0, +) }), (.minimum, { $0.min() ?? 0 }), (.maximum, { $0.max() ?? 0 }),
        ]
        for (reduction, expected) in expectations {
            var found = values(comm.rank).map(element)
            try comm.allReduce(&found, reduction)
            let columns = (0..<5).map { i in element(expected(all.map { $0[i] })) }
            try requireEqual(found, columns, "\(reduction) of \(type)")
        }
    }

    /// Seconds on the clock that all processes of the machine share.
    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
