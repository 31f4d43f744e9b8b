import TensorCore
import TestSupport
import XCTest

final class LinearTests: XCTestCase {
    private static let inputShapes: [Shape] = [[6], [5, 6], [2, 5, 6], [0, 6]]

    /// y[…, o] = Σ_i x[…, i] · W[o, i] + b[o].
    private func naive(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> NaiveArray {
        let (xs, ws, bs) = (NaiveArray(x), NaiveArray(weight), bias.map(NaiveArray.init))
        return NaiveArray(x.shape.dimensions.dropLast() + [weight.shape[0]]) { index in
            let (row, output) = (Array(index.dropLast()), index[index.count - 1])
            return (0..<weight.shape[1]).reduce(bs?[[output]] ?? 0) {
                $0 + xs[row + [$1]] * ws[[output, $1]]
            }
        }
    }

    func testMatchesItsDefinition() {
        forEachDevice { device in
            let weight = randomTensor([4, 6], seed: 1, on: device)
            let bias = randomTensor([4], seed: 2, on: device)
            for shape in Self.inputShapes {
                let x = randomTensor(shape, seed: 3, on: device)
                for bias in [nil, bias] {
                    assertClose(
                        linear(x, weight, bias), naive(x, weight, bias).tensor(.float32), absolute: 1e-6,
                        relative: 1e-6, "\(shape)")
                }
            }
        }
    }

    func testAnAddendIsAddedAsOneWouldByItself() {
        forEachDevice { device in
            let x = randomTensor([300, 6], seed: 14, on: device)
            let weight = randomTensor([4, 6], seed: 15, on: device)
            for bias in [nil, randomTensor([4], seed: 16, on: device)] {
                for shape: Shape in [[300, 4], [300, 1], [1, 4], [4], [1]] {
                    let addend = randomTensor(shape, seed: 17, on: device)
                    assertClose(
                        linear(x, weight, bias, adding: addend), linear(x, weight, bias) + addend,
                        absolute: 1e-6, relative: 1e-6, "\(shape)")
                }
            }
        }
    }

    func testWithoutInputsOnlyTheBiasIsLeft() {
        let bias = randomTensor([4], seed: 4)
        assertIdentical(linear(.zeros([3, 0]), .zeros([4, 0]), bias), bias.broadcast(to: [3, 4]))
    }

    func testAdjointsAgreeWithCentralDifferences() {
        let weight = randomTensor([4, 6], seed: 5, dtype: .float64)
        let bias = randomTensor([4], seed: 6, dtype: .float64)
        for shape in Self.inputShapes {
            let x = randomTensor(shape, seed: 7, dtype: .float64)
            checkGradient(of: { linear($0[0], $0[1]) }, at: [x, weight], "\(shape)")
            checkGradient(of: { linear($0[0], $0[1], $0[2]) }, at: [x, weight, bias], "\(shape)")
            let addend = randomTensor(shape.replacing(axis: -1, with: 4), seed: 12, dtype: .float64)
            checkGradient(
                of: { linear($0[0], $0[1], $0[2], adding: $0[3]) }, at: [x, weight, bias, addend], "\(shape)")
            checkGradient(of: { linear($0[0], $0[1], adding: $0[2]) }, at: [x, weight, bias], "\(shape)")
        }
    }

    func testAnyOperandMayBeFrozen() {
        let x = randomTensor([5, 6], seed: 8, dtype: .float64)
        let weight = randomTensor([4, 6], seed: 9, dtype: .float64)
        let bias = randomTensor([4], seed: 10, dtype: .float64)
        checkGradient(of: { linear($0[0], weight, bias) }, at: [x])
        checkGradient(of: { linear(x, $0[0], bias) }, at: [weight])
        checkGradient(of: { linear(x, weight, $0[0]) }, at: [bias])
    }

    func testAFrozenWeightKeepsNoInput() {
        let weight = randomTensor([4, 1 << 10], seed: 11)
        let allocator = CPUBackend.shared.allocator
        let bias = randomTensor([4], seed: 12).tracked()
        let before = allocator.statistics.inUse
        let y = linear(randomTensor([256, 1 << 10], seed: 13), weight, bias)
        XCTAssertTrue(y.isTracked)
        XCTAssertLessThan(allocator.statistics.inUse - before, 1 << 16, "the 1 MiB input is still held")
    }
}
