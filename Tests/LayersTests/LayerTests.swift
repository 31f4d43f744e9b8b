import Layers
import TensorCore
import TestSupport
import XCTest

final class LayerTests: XCTestCase {
    func testLinearIsTheProductWithTheTransposedWeightPlusBias() {
        let weight = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        let layer = Linear(
            weight: Parameter(weight), bias: Parameter(Tensor([10, 20] as [Float], shape: [2])))
        let x = Tensor([1, 0, -1, 2, 1, 0] as [Float], shape: [2, 3])
        XCTAssertEqual(layer(x).floats, [8, 18, 14, 33])
    }

    func testInitialWeightsFillTheirIntervalAndDependOnPlaceAndSeedAlone() {
        var one = Initializer(key: RandomKey(seed: 5, stream: 1))
        var two = Initializer(key: RandomKey(seed: 5, stream: 1))
        let (a, b) = (Linear(16, 64, initializer: &one), Linear(16, 64, initializer: &two))
        assertIdentical(a.weight.value.detached, b.weight.value.detached)
        let values = a.weight.value.doubles
        XCTAssertLessThanOrEqual(values.map(abs).max() ?? 1, 0.25)
        XCTAssertGreaterThan(values.max() ?? 0, 0.24)
        XCTAssertLessThan(values.min() ?? 0, -0.24)
        let next = Linear(16, 64, initializer: &one)
        XCTAssertNotEqual(next.weight.value.floats, a.weight.value.floats)
    }

    func testWeightAverageFollowsItsRecursion() {
        let parameter = Parameter(Tensor([1] as [Float], shape: [1]))
        let average = WeightAverage([NamedParameter("p", parameter)], decay: 0.5)
        var expected = 1.0
        for (step, value) in [3.0, -1.0, 7.0].enumerated() {
            parameter.assign(Tensor([Float(value)], shape: [1]))
            average.update()
            let keep = min(0.5, Double(1 + step) / Double(10 + step))
            expected = keep * expected + (1 - keep) * value
        }
        assertClose(average.values[0].doubles, [expected], relative: 1e-6)
    }

    func testFrozenParametersGetNoGradient() {
        let weight = Parameter(randomTensor([3, 2], seed: 1), isTrainable: false)
        let bias = Parameter(randomTensor([3], seed: 2))
        let layer = Linear(weight: weight, bias: bias)
        let found = gradients(of: layer(randomTensor([4, 2], seed: 3)).sum())
        XCTAssertNil(found[weight.value])
        XCTAssertEqual(found[bias.value]?.floats, [4, 4, 4])
    }
}
