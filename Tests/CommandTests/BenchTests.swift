import Foundation
import TestSupport
import XCTest

final class BenchTests: XCTestCase {
    private struct Result: Decodable {
        struct Case: Decodable {
            let name: String
            let seconds: Double
            let gflops: Double?
        }

        let name: String
        let seconds: Double
        let repeats: Int
        let threads: Int
        let blasCore: String
        let cases: [Case]?
    }

    func testEachBenchmarkPrintsOneObject() throws {
        let run = try Subprocess.saddle(["bench", "gemm", "algorithm2", "--repeats", "1", "--threads", "1"])
        XCTAssertEqual(run.exitCode, 0, run.standardError)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let results = try run.standardOutput.split(separator: "\n").map {
            try decoder.decode(Result.self, from: Data($0.utf8))
        }
        XCTAssertEqual(results.map(\.name), ["gemm", "algorithm2"])
        for result in results {
            XCTAssertEqual(result.repeats, 1)
            XCTAssertEqual(result.threads, 1)
            XCTAssertGreaterThan(result.seconds, 0)
            XCTAssertFalse(result.blasCore.isEmpty)
        }
        let products = try XCTUnwrap(results[0].cases)
        XCTAssertTrue(products.allSatisfy { ($0.gflops ?? 0) > 0 && $0.seconds > 0 })
    }

    func testWhatItCannotTimeIsRefused() throws {
        for arguments in [["bench"], ["bench", "speed"], ["bench", "gemm", "--repeats", "0"]] {
            let run = try Subprocess.saddle(arguments)
            XCTAssertEqual(run.exitCode, 64, "\(arguments)")
            XCTAssertEqual(run.standardOutput, "", "\(arguments)")
        }
    }
}
