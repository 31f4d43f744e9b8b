import Distributed

extension Check {
    private struct BadFile: Error, CustomStringConvertible {
        let description: String
    }

    static let failures: [Check] = [
        Check("agreement passes equal bytes and names the ranks that differ") { comm in
            let agreement = Agreement(interval: 5)
            let equal = (0..<1_001).map(Float.init)
            let agreed = [0.5, 0.25, 0.25]
            try compare(agreement, step: 10, equal, agreed, comm)
            guard comm.size > 2 else { return }
            for deviating in [0, comm.size - 1] {
                // The smallest change of one multiplier.
                let own = comm.rank == deviating ? [0.5, 0.25, 0.25.nextUp] : agreed
                try compare(agreement, step: 11, equal, own, comm)
                let error = try requireThrows(Disagreement.self, "step 15") {
                    try compare(agreement, step: 15, equal, own, comm)
                }
                try requireEqual(error.part, "multipliers", "part")
                try requireEqual(error.ranks, [deviating], "ranks")
            }
        },
        Check("agreement counts rank 0 as right where opinions are even") { comm in
            let values = [UInt8(comm.rank)]
            let run = {
                try values.withUnsafeBytes { bytes in
                    try Agreement(interval: 1).check(step: 3, [("bytes", bytes)], over: comm)
                }
            }
            guard comm.size > 1 else { return try run() }
            let error = try requireThrows(Disagreement.self, "step 3", run)
            try requireEqual(error.ranks, Array(1..<comm.size), "ranks")
        },
        Check("failTogether returns results where all succeed") { comm in
            try requireEqual(try comm.failTogether { comm.rank * 2 }, comm.rank * 2, "result")
        },
        Check("failTogether throws one error on all where one rank fails") { comm in
            let last = comm.size - 1
            let error = try requireThrows(RankError.self, "failTogether") {
                try comm.failTogether(exitCode: { _ in 66 }) {
                    if comm.rank == last { throw BadFile(description: "cannot open digits.safetensors") }
                }
            }
            let expected = rankPrefix(last, of: comm.size) + "cannot open digits.safetensors"
            try requireEqual("\(error)", expected, "message")
            try requireEqual(error.exitCode, 66, "exit code")
            try requireEqual(error.failedRanks, [last], "failed ranks")
        },
        Check("failTogether names the first of several ranks that fail") { comm in
            let error = try requireThrows(RankError.self, "failTogether") {
                try comm.failTogether(exitCode: { _ in Int32(comm.rank) }) {
                    throw BadFile(description: "cannot open part-\(comm.rank).safetensors")
                }
            }
            try requireEqual(error.rank, 0, "rank")
            try requireEqual(error.failedRanks, Array(0..<comm.size), "failed ranks")
            // An error is never exit code 0.
            try requireEqual(error.exitCode, internalFailure, "exit code")
            try require(error.message == "cannot open part-0.safetensors", error.message)
        },
    ]

    private static func compare(
        _ agreement: Agreement, step: Int, _ parameters: [Float], _ multipliers: [Double],
        _ comm: any Communicator
    ) throws {
        try parameters.withUnsafeBytes { parameters in
            try multipliers.withUnsafeBytes { multipliers in
                try agreement.check(
                    step: step, [("parameters", parameters), ("multipliers", multipliers)], over: comm)
            }
        }
    }
}
