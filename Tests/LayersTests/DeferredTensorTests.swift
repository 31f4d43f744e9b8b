import Layers
import Synchronization
import TensorCore
import TestSupport
import XCTest

final class DeferredTensorTests: XCTestCase {
    func testIsMadeOnceWhenAskedFor() throws {
        let count = Atomic<Int>(0)
        let deferred = DeferredTensor(shape: [2, 3]) {
            count.add(1, ordering: .relaxed)
            return randomTensor([2, 3], seed: 1)
        }
        let parameter = Parameter(deferred)
        XCTAssertEqual(parameter.shape, [2, 3])
        XCTAssertFalse(parameter.isTrainable)
        XCTAssertEqual(count.load(ordering: .relaxed), 0)
        let seen = try Parallel.map(8) { _ in parameter.value }
        for tensor in seen { assertIdentical(tensor, randomTensor([2, 3], seed: 1)) }
        XCTAssertEqual(count.load(ordering: .relaxed), 1)
    }

    func testOtherValuesTakeItsPlace() {
        let parameter = Parameter(DeferredTensor(shape: [4]) { randomTensor([4], seed: 1) })
        parameter.assign(randomTensor([4], seed: 2))
        assertIdentical(parameter.value, randomTensor([4], seed: 2))
        parameter.isTrainable = true
        XCTAssertTrue(parameter.isTrainable)
        XCTAssertTrue(parameter.value.isTracked)
    }

    /// Half of a model's memory is not asked for while it is read.
    func testConvolutionsOfFilesAreLaidOutAtFirstUse() {
        let stored = randomTensor([64, 64, 3, 3], seed: 3)
        let allocator = CPUBackend.shared.allocator
        let before = allocator.statistics.inUse
        let weight = ParameterSource(["conv.weight": stored])
            .convolutionWeight("conv.weight", [64, 64, 3, 3])
        XCTAssertEqual(weight.shape, [64, 3, 3, 64])
        XCTAssertEqual(allocator.statistics.inUse, before)
        assertIdentical(weight.value, stored.channelsLastWeight)
        XCTAssertGreaterThan(allocator.statistics.inUse, before)
    }
}
