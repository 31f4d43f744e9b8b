import Foundation
import XCTest

/// A run gives the same bits on any number of ranks (at equal threads per rank).
final class RankTests: CommandTestCase {
    func testLearnedProduct() throws { try checkRanks(TinyProblems.learnedProduct) }
    func testExactProduct() throws { try checkRanks(TinyProblems.exactProduct) }
    func testProductOfMixtures() throws { try checkRanks(TinyProblems.productOfMixtures) }
    func testExactMixture() throws { try checkRanks(TinyProblems.exactMixture) }
    func testLearnedMixture() throws { try checkRanks(TinyProblems.learnedMixture) }
    func testExactAlignment() throws { try checkRanks(TinyProblems.exactAlignment) }
    func testLearnedAlignment() throws { try checkRanks(TinyProblems.learnedAlignment) }

    func testPretraining() throws {
        try workspace.finish(TinyProblems.pretraining, output: "alone")
        for ranks in [2, 3, 4] {
            let run = try workspace.finish(TinyProblems.pretraining, output: "\(ranks)", ranks: ranks)
            try assertIdentical(run, RunDirectory(path: workspace.at("alone")), "\(ranks) ranks")
        }
    }

    /// Models shared among the ranks of a sample group: 2 groups of 2, 1 of 3, one rank without a model.
    func testShards() throws {
        let alone = try workspace.finish(TinyProblems.learnedProduct, output: "alone")
        for (ranks, shards) in [(2, 2), (3, 3), (4, 2), (4, 4)] {
            let run = try workspace.finish(
                TinyProblems.learnedProduct, ["--set", "ranks.shards=\(shards)"],
                output: "\(ranks)-\(shards)", ranks: ranks)
            try assertIdentical(run, alone, "\(ranks) ranks, \(shards) shards")
        }
    }

    private func checkRanks(_ problem: Problem, file: StaticString = #filePath, line: UInt = #line) throws {
        let alone = try workspace.finish(problem, output: "alone")
        for ranks in 1...4 {
            let run = try workspace.finish(problem, output: "\(ranks)", ranks: ranks)
            try assertIdentical(run, alone, "\(ranks) ranks", file: file, line: line)
            XCTAssertEqual(try run.summary().ranks, ranks, file: file, line: line)
        }
    }
}
