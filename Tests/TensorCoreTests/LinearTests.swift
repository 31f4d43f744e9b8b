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

    /// Weights in two bytes are widened on the way: the same as widening them first, in slabs where they are many.
    func testNarrowWeights() {
        for (rows, inputs, outputs) in [(5, 6, 4), (40, 1000, 2500), (300, 1, 3), (64, 1 << 15, 70)] {
            for dtype in [DType.bfloat16, .float16] {
                let x = randomTensor([rows, inputs], seed: 18)
                let stored = randomTensor([outputs, inputs], seed: 19).cast(to: dtype)
                let bias = randomTensor([outputs], seed: 20).cast(to: dtype)
                let dy = randomTensor([rows, outputs], seed: 21)
                let run = { (weight: Tensor, bias: Tensor) in
                    let leaf = x.tracked()
                    let y = linear(leaf, weight, bias)
                    return [y.detached, gradients(of: [(y, dy)])[leaf] ?? y]
                }
                let expected = run(stored.cast(to: .float32), bias.cast(to: .float32))
                for (actual, expected) in zip(run(stored, bias), expected) {
                    let largest = expected.doubles.reduce(0) { max($0, abs($1)) }
                    assertClose(
                        actual, expected, absolute: 2e-6 * largest, "\(rows) × \(inputs) × \(outputs)")
                }
            }
        }
    }

    func testANarrowWeightMayBeTrained() {
        let x = randomTensor([5, 6], seed: 22)
        let (weight, wide) = (randomTensor([4, 6], seed: 23), randomTensor([4, 6], seed: 23).tracked())
        let leaf = weight.cast(to: .bfloat16).tracked()
        let dy = randomTensor([5, 4], seed: 24)
        let gradient = gradients(of: [(linear(x, leaf), dy)])[leaf]
        let expected = gradients(of: [(linear(x, wide), dy)])[wide]
        assertIdentical(gradient ?? leaf, (expected ?? wide).cast(to: .bfloat16))
    }
}
