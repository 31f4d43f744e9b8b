import TensorCore
import TestSupport
import XCTest

final class ConvolutionTests: XCTestCase {
    /// An image, a weight and how they meet.
    private struct Case {
        let image: Shape
        let weight: Shape
        var stride = 1
        var padding = Padding(1)
    }

    private static let small = [
        Case(image: [2, 4, 5, 2], weight: [3, 3, 3, 2]),
        Case(image: [1, 5, 4, 2], weight: [2, 3, 3, 2], stride: 2),
        Case(
            image: [1, 5, 6, 2], weight: [2, 3, 3, 2], stride: 2,
            padding: Padding(top: 0, bottom: 1, left: 0, right: 1)),
        Case(image: [2, 3, 3, 3], weight: [2, 1, 1, 3], padding: Padding()),
        Case(image: [1, 6, 4, 2], weight: [3, 2, 2, 2], stride: 2, padding: Padding()),
        Case(
            image: [1, 3, 4, 2], weight: [2, 2, 3, 2], stride: 1,
            padding: Padding(top: 2, bottom: 0, left: 3, right: 1)),
        Case(
            image: [1, 7, 5, 1], weight: [2, 3, 2, 1], stride: 3,
            padding: Padding(top: 2, bottom: 1, left: 0, right: 2)),
        Case(image: [1, 3, 3, 2], weight: [2, 1, 1, 2], stride: 2, padding: Padding()),
    ]

    /// Large enough for Winograd's tiles, whole and cut at the edges, with and without whole vectors of channels.
    private static let large = [
        Case(image: [2, 16, 16, 32], weight: [48, 3, 3, 32]),
        Case(image: [1, 13, 18, 20], weight: [17, 3, 3, 20]),
        Case(image: [3, 7, 9, 64], weight: [16, 3, 3, 64], padding: Padding()),
        Case(
            image: [1, 12, 11, 16], weight: [33, 3, 3, 16],
            padding: Padding(top: 2, bottom: 0, left: 1, right: 2)),
        Case(image: [2, 9, 9, 16], weight: [16, 3, 3, 16], padding: Padding(3)),
        Case(image: [2, 16, 16, 24], weight: [32, 3, 3, 24], stride: 2),
        Case(image: [1, 40, 41, 8], weight: [8, 5, 5, 8], padding: Padding(2)),
        // More tiles than are transformed together, and more columns than one block.
        Case(image: [1, 132, 130, 64], weight: [176, 3, 3, 64]),
    ]

    /// y and the gradients of x, w and b for a given upstream gradient.
    private func results(
        _ test: Case, _ inputs: [Tensor], upstream: Tensor? = nil
    ) -> (y: Tensor, gradients: [Tensor]) {
        let leaves = inputs.map { $0.tracked() }
        let y = conv2d(leaves[0], leaves[1], leaves[2], stride: test.stride, padding: test.padding)
        let dy = upstream ?? randomTensor(y.shape, seed: 5, dtype: y.dtype)
        let result = gradients(of: [(y, dy)])
        return (y.detached, leaves.compactMap { result[$0] })
    }

    private func inputs(_ test: Case, _ dtype: DType, on device: Device = .cpu) -> [Tensor] {
        [
            randomTensor(test.image, seed: 1, dtype: dtype, on: device),
            randomTensor(test.weight, seed: 2, dtype: dtype, on: device),
            randomTensor([test.weight[0]], seed: 3, dtype: dtype, on: device),
        ]
    }

    func testMatchesPyTorch() throws {
        let fixture = try ImageFixture.load()
        for dtype in [DType.float64, .float32] {
            for reference in fixture.convolutions {
                let test = Case(
                    image: Shape(reference.image), weight: Shape(reference.weight), stride: reference.stride,
                    padding: reference.sides)
                let inputs = [
                    ImageFixture.wave(reference.image, phase: 0, dtype: dtype),
                    ImageFixture.wave(reference.weight, phase: 1, dtype: dtype),
                    ImageFixture.wave([reference.weight[0]], phase: 2, dtype: dtype),
                ]
                let dy = ImageFixture.wave(reference.shape, phase: 9, dtype: dtype)
                let (y, gradients) = results(test, inputs, upstream: dy)
                XCTAssertEqual(y.shape.dimensions, reference.shape)
                let tolerance = ImageFixture.tolerance(dtype)
                let expected = [reference.y, reference.dX, reference.dWeight, reference.dBias]
                for (actual, expected) in zip([y] + gradients, expected) {
                    // Winograd's errors are relative to the largest terms of a sum.
                    let largest = expected.reduce(1) { max($0, abs($1)) }
                    assertClose(
                        actual.doubles, expected, absolute: tolerance * largest, relative: tolerance,
                        "\(dtype.name) \(reference.image) ∗ \(reference.weight)")
                }
            }
        }
    }

    func testAdjointsAgreeWithCentralDifferences() {
        for test in Self.small {
            checkGradient(
                of: { conv2d($0[0], $0[1], $0[2], stride: test.stride, padding: test.padding) },
                at: inputs(test, .float64), "\(test)")
        }
    }

    /// Winograd and blocked patches in single precision against patches in double.
    func testSinglePrecisionAgreesWithDouble() {
        forEachDevice { device in
            for test in Self.small + Self.large {
                let wide = inputs(test, .float64, on: device)
                let narrow = wide.map { $0.cast(to: .float32) }
                let exact = results(test, narrow.map { $0.cast(to: .float64) })
                let single = results(test, narrow)
                for (actual, expected) in zip([single.y] + single.gradients, [exact.y] + exact.gradients) {
                    // Winograd's errors are relative to the largest terms of a sum.
                    let largest = expected.doubles.reduce(0) { max($0, abs($1)) }
                    assertClose(
                        actual.cast(to: .float64), expected, absolute: 4e-6 * largest, "\(test)")
                }
            }
        }
    }

    func testAnAddendIsAddedAsOneWouldByItself() {
        for test in [Self.small[0], Self.small[1], Self.large[0]] {
            let inputs = inputs(test, .float32)
            for bias in [nil, inputs[2]] {
                let y = conv2d(inputs[0], inputs[1], bias, stride: test.stride, padding: test.padding)
                for shape in [y.shape, [y.shape[0], 1, 1, y.shape[3]]] {
                    let addend = randomTensor(shape, seed: 4)
                    let fused = conv2d(
                        inputs[0], inputs[1], bias, stride: test.stride, padding: test.padding, adding: addend
                    )
                    assertClose(fused, y + addend, absolute: 1e-5, relative: 1e-5, "\(test)")
                }
            }
        }
    }

    func testAdjointOfAnAddend() {
        let test = Self.small[0]
        let addend = randomTensor([2, 1, 1, 3], seed: 6, dtype: .float64)
        checkGradient(
            of: { conv2d($0[0], $0[1], padding: test.padding, adding: $0[2]) },
            at: Array(inputs(test, .float64).prefix(2)) + [addend])
    }

    /// Weights in two bytes are widened on the way: the same as widening them first.
    func testNarrowWeights() {
        for test in [Self.small[0], Self.small[1], Self.small[3], Self.large[0], Self.large[1]] {
            for dtype in [DType.bfloat16, .float16] {
                var inputs = inputs(test, .float32)
                let stored = inputs[1].cast(to: dtype)
                inputs[1] = stored.cast(to: .float32)
                let expected = results(test, inputs)
                let leaf = inputs[0].tracked()
                let y = conv2d(leaf, stored, inputs[2], stride: test.stride, padding: test.padding)
                let dx = gradients(of: [(y, randomTensor(y.shape, seed: 5))])[leaf]
                assertClose(y.detached, expected.y, absolute: 1e-5, relative: 1e-5, "\(test)")
                assertClose(dx ?? y, expected.gradients[0], absolute: 1e-5, relative: 1e-5, "\(test)")
            }
        }
    }

    func testImagesInTwoBytesAreRoundedOnce() {
        let test = Self.large[1]
        let convolve = { (inputs: [Tensor]) in conv2d(inputs[0], inputs[1], inputs[2], padding: test.padding)
        }
        for dtype in [DType.float16, .bfloat16] {
            let halves = inputs(test, .float32).map { $0.cast(to: dtype) }
            let wide = halves.map { $0.cast(to: .float32) }
            PanelProducts.$areWanted.withValue(false) {
                assertIdentical(convolve(halves), convolve(wide).cast(to: dtype))
            }
        }
    }

    func testFilesWeightsComeBack() {
        let weight = randomTensor([3, 4, 2, 5], seed: 7)
        XCTAssertEqual(weight.channelsLastWeight.shape, [3, 2, 5, 4])
        assertIdentical(weight.channelsLastWeight.channelsFirstWeight, weight)
        assertIdentical(weight.channelsLast.channelsFirst, weight)
    }

    func testAFrozenWeightKeepsNoInput() {
        let weight = randomTensor([16, 3, 3, 256], seed: 8)
        let bias = randomTensor([16], seed: 9).tracked()
        let allocator = CPUBackend.shared.allocator
        let before = allocator.statistics.inUse
        let y = conv2d(randomTensor([1, 32, 32, 256], seed: 10), weight, bias, padding: Padding(1))
        XCTAssertTrue(y.isTracked)
        XCTAssertLessThan(allocator.statistics.inUse - before, 1 << 17, "the 1 MiB input is still held")
    }

    func testEmptyBatch() {
        let test = Case(image: [0, 8, 8, 16], weight: [16, 3, 3, 16])
        let (y, gradients) = results(test, inputs(test, .float32))
        XCTAssertEqual(y.shape, [0, 8, 8, 16])
        assertIdentical(gradients[1], .zeros([16, 3, 3, 16]))
    }
}
