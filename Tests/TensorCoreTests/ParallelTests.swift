import Foundation
import Synchronization
import TensorCore
import TestSupport
import XCTest

final class ParallelTests: XCTestCase {
    private struct Failure: Error, Equatable { let index: Int }

    override func tearDown() { Parallel.configure(threads: ProcessInfo.processInfo.activeProcessorCount) }

    func testMapKeepsOrder() throws {
        for threads in [1, 2, 5] {
            Parallel.configure(threads: threads)
            XCTAssertEqual(Parallel.threads, threads)
            for count in [0, 1, 2, 7, 300] {
                XCTAssertEqual(try Parallel.map(count) { $0 * $0 }, (0..<count).map { $0 * $0 })
            }
        }
    }

    func testMapThrowsTheErrorOfTheLowestIndex() {
        for threads in [1, 2, 4] {
            Parallel.configure(threads: threads)
            for _ in 0..<20 {
                XCTAssertThrowsError(
                    try Parallel.map(50) { index in
                        if index % 7 == 3 { throw Failure(index: index) }
                    }
                ) { XCTAssertEqual($0 as? Failure, Failure(index: 3), "\(threads) threads") }
            }
        }
    }

    func testMapGivesTheSameBitsOnAnyNumberOfThreads() throws {
        let weight = randomTensor([48, 48], seed: 1)
        let work: @Sendable (Int) -> [Float] = { index in
            let x = Tensor.normal([64, 48], key: RandomKey(seed: 2, stream: 3), firstSample: 64 * index)
            return layerNorm(linear(x, weight).gelu(), scale: nil, shift: nil).floats
        }
        Parallel.configure(threads: 1)
        let expected = try Parallel.map(12, work)
        for threads in [2, 3] {
            Parallel.configure(threads: threads)
            XCTAssertEqual(try Parallel.map(12, work), expected, "\(threads) threads")
        }
    }

    func testMapRunsInsideItselfAndSerially() throws {
        Parallel.configure(threads: 2)
        let sums = try Parallel.map(6) { outer in
            try Parallel.map(5) { inner in outer * inner }.reduce(0, +)
        }
        XCTAssertEqual(sums, (0..<6).map { $0 * 10 })
    }

    func testMapCarriesTheRecordingStateToItsThreads() throws {
        Parallel.configure(threads: 2)
        let x = Tensor.ones([1]).tracked()
        XCTAssertEqual(try Parallel.map(40) { _ in x.squared().isTracked }, Array(repeating: true, count: 40))
        let quiet = try withoutRecording { try Parallel.map(40) { _ in x.squared().isTracked } }
        XCTAssertEqual(quiet, Array(repeating: false, count: 40))
    }

    func testRangesCoverEverythingOnce() {
        for threads in [1, 2, 3, 8] {
            Parallel.configure(threads: threads)
            for count in [0, 1, 9, 10, 11, 100, 1001] {
                let seen = Mutex([Int](repeating: 0, count: count))
                Parallel.ranges(count, grain: 10) { range in
                    XCTAssertTrue(range.count >= 10 || range.count == count)
                    seen.withLock { for index in range { $0[index] += 1 } }
                }
                XCTAssertEqual(seen.withLock { $0 }, [Int](repeating: 1, count: count))
            }
        }
    }
}
