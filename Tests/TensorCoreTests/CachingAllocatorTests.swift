import Dispatch
import TensorCore
import XCTest

final class CachingAllocatorTests: XCTestCase {
    func testHandsAFreedBlockOutAgain() {
        let allocator = CachingAllocator()
        let first = allocator.allocate(byteCount: 1000).pointer
        let second = allocator.allocate(byteCount: 900)
        XCTAssertEqual(first, second.pointer, "the same size class")
        let third = allocator.allocate(byteCount: 1000)
        XCTAssertNotEqual(second.pointer, third.pointer, "the block is in use")
    }

    /// Large blocks stand in for smaller ones; what counts as handed out is what was asked for.
    func testALargeBlockServesUpToHalfItsSize() {
        let allocator = CachingAllocator()
        let block = allocator.allocate(byteCount: 8 << 20).pointer
        XCTAssertEqual(allocator.statistics.cached, 8 << 20)
        do {
            let smaller = allocator.allocate(byteCount: 4 << 20)
            XCTAssertEqual(smaller.pointer, block)
            XCTAssertEqual(allocator.statistics.inUse, 4 << 20)
            XCTAssertEqual(allocator.statistics.cached, 0)
        }
        XCTAssertEqual(allocator.statistics.inUse, 0)
        XCTAssertEqual(allocator.statistics.cached, 8 << 20)
        let half = allocator.allocate(byteCount: 3 << 20)
        XCTAssertNotEqual(half.pointer, block, "more than twice as large")
        allocator.releaseCached()
    }

    func testStatisticsFollowEveryBlock() {
        let allocator = CachingAllocator()
        XCTAssertEqual(allocator.statistics.inUse, 0)
        var blocks = (0..<4).map { _ in allocator.allocate(byteCount: 1 << 10) }
        XCTAssertEqual(allocator.statistics.inUse, 4 << 10)
        XCTAssertEqual(allocator.statistics.peak, 4 << 10)
        XCTAssertEqual(allocator.statistics.cached, 0)
        blocks.removeLast(3)
        XCTAssertEqual(allocator.statistics.inUse, 1 << 10)
        XCTAssertEqual(allocator.statistics.peak, 4 << 10)
        XCTAssertEqual(allocator.statistics.cached, 3 << 10)
        allocator.resetPeak()
        XCTAssertEqual(allocator.statistics.peak, 1 << 10)
        blocks.append(allocator.allocate(byteCount: 1 << 10))
        XCTAssertEqual(allocator.statistics.peak, 2 << 10)
        XCTAssertEqual(allocator.statistics.cached, 2 << 10)
        allocator.releaseCached()
        XCTAssertEqual(allocator.statistics.cached, 0)
        XCTAssertEqual(allocator.statistics.inUse, 2 << 10)
    }

    func testSizeClassesWasteLittleAndAlign() {
        let allocator = CachingAllocator()
        for size in [0, 1, 63, 64, 65, 80, 81, 4095, 4097, 1 << 20, (1 << 20) + 1, 5 << 20, 9_999_999] {
            let block = allocator.allocate(byteCount: size)
            XCTAssertEqual(Int(bitPattern: block.pointer) % 64, 0, "\(size)")
            let taken = allocator.statistics.inUse
            XCTAssertGreaterThanOrEqual(taken, size)
            XCTAssertLessThanOrEqual(Double(taken), max(64, 1.25 * Double(size)), "\(size)")
        }
    }

    func testServesSeveralThreads() {
        let allocator = CachingAllocator()
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for round in 0..<2000 {
                let size = 64 << (round % 5)
                let block = allocator.allocate(byteCount: size)
                let bytes = UnsafeMutableRawBufferPointer(start: block.pointer, count: size)
                for index in bytes.indices { bytes[index] = UInt8(thread) }
                XCTAssertTrue(bytes.allSatisfy { $0 == UInt8(thread) }, "two owners of one block")
            }
        }
        XCTAssertEqual(allocator.statistics.inUse, 0)
        allocator.releaseCached()
    }

    func testTensorsReturnTheirStorage() {
        let allocator = CPUBackend.shared.allocator
        let before = allocator.statistics.inUse
        do {
            let whole = Tensor.zeros([1 << 16])
            let part = whole.slice(0..<10)
            XCTAssertEqual(allocator.statistics.inUse - before, 4 << 16)
            XCTAssertEqual(part.reshaped(2, 5).storage.pointer, whole.storage.pointer, "views share")
        }
        XCTAssertEqual(allocator.statistics.inUse, before)
    }
}
