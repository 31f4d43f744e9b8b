import Distributed

extension Check {
    static let groups: [Check] = [
        Check("split makes groups by colour, ordered by key") { comm in
            // Even and odd ranks, in reverse order.
            let group = try comm.split(color: comm.rank % 2, key: -comm.rank)
            let members = stride(from: comm.rank % 2, to: comm.size, by: 2).reversed()
            try requireEqual(group.size, members.count, "size")
            try requireEqual(try group.allGather([comm.rank]), Array(members), "members")
            try requireEqual([group.localRank, group.localSize], [comm.localRank, comm.localSize], "place")
            let sum = try group.allReduce(Int64(comm.rank), .sum)
            try requireEqual(sum, Int64(members.reduce(0, +)), "sum over the group")
            try requireEqual(try comm.allReduce(Int64(1), .sum), Int64(comm.size), "all, afterwards")
        },
        Check("groups split again, and equal keys keep the order of ranks") { comm in
            let same = try comm.split(color: 7, key: 0)
            try requireEqual(try same.allGather([comm.rank]), Array(0..<comm.size), "one group")
            let alone = try same.split(color: comm.rank, key: 0)
            try requireEqual([alone.rank, alone.size], [0, 1], "alone")
            try requireEqual(try alone.allReduce(Double(comm.rank), .sum), Double(comm.rank), "own sum")
        },
        Check("a layout's groups share micro-batches and items") { comm in
            for shards in (1...comm.size) where comm.size % shards == 0 {
                let layout = try RankLayout(ranks: comm.size, items: 5, shards: shards)
                let groups = try layout.groups(of: comm)
                try requireEqual(groups.sample.rank, layout.shardIndex(of: comm.rank), "shard index")
                try requireEqual(groups.replicas.rank, layout.dataIndex(of: comm.rank), "data index")
                let held = try groups.sample.allGatherEach(Array(layout.items(of: comm.rank)))
                try requireEqual(held.flatMap { $0 }, Array(0..<5), "items of a sample group")
                let batches = Array(layout.microBatches(of: comm.rank, count: 7))
                let computed = try groups.replicas.allGatherEach(batches)
                try requireEqual(computed.flatMap { $0 }, Array(0..<7), "micro-batches over groups")
            }
        },
    ]
}
