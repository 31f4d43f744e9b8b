import TensorCore
import TestSupport
import XCTest

final class GroupNormTests: XCTestCase {
    private func results(
        _ inputs: [Tensor], groups: Int, silu: Bool, dy: Tensor
    ) -> (y: Tensor, gradients: [Tensor]) {
        let leaves = inputs.map { $0.tracked() }
        let y = groupNorm(leaves[0], groups: groups, scale: leaves[1], shift: leaves[2], silu: silu)
        let result = gradients(of: [(y, dy)])
        return (y.detached, leaves.compactMap { result[$0] })
    }

    func testMatchesPyTorch() throws {
        let fixture = try ImageFixture.load()
        for dtype in [DType.float64, .float32] {
            for reference in fixture.groupNorms {
                let channels = [reference.image.last ?? 0]
                let inputs = [
                    ImageFixture.wave(reference.image, phase: 0, dtype: dtype),
                    ImageFixture.wave(channels, phase: 1, dtype: dtype),
                    ImageFixture.wave(channels, phase: 2, dtype: dtype),
                ]
                let (y, gradients) = results(
                    inputs, groups: reference.groups, silu: reference.silu,
                    dy: ImageFixture.upstream(inputs[0]))
                let tolerance = ImageFixture.tolerance(dtype)
                let expected = [reference.y, reference.dX, reference.dScale, reference.dShift]
                for (actual, expected) in zip([y] + gradients, expected) {
                    assertClose(
                        actual.doubles, expected, absolute: tolerance, relative: tolerance,
                        "\(dtype.name) \(reference.image), \(reference.groups) groups")
                }
            }
        }
    }

    func testAdjointsAgreeWithCentralDifferences() {
        let x = randomTensor([2, 3, 2, 6], seed: 1, dtype: .float64)
        let (scale, shift) = (
            randomTensor([6], seed: 2, dtype: .float64), randomTensor([6], seed: 3, dtype: .float64)
        )
        for groups in [1, 2, 3] {
            for silu in [false, true] {
                let norm = { (x: Tensor, scale: Tensor?, shift: Tensor?) in
                    groupNorm(x, groups: groups, scale: scale, shift: shift, silu: silu)
                }
                let label = "\(groups) groups, silu \(silu)"
                checkGradient(of: { norm($0[0], $0[1], $0[2]) }, at: [x, scale, shift], label)
                checkGradient(of: { norm($0[0], nil, nil) }, at: [x], label)
                checkGradient(of: { norm($0[0], nil, $0[1]) }, at: [x, shift], label)
                checkGradient(of: { norm(x, $0[0], shift) }, at: [scale], label)
            }
        }
    }

    /// More pixels than one block of sums, channels that are no whole vectors, and images of one pixel.
    func testSinglePrecisionAgreesWithDouble() {
        for (image, groups) in [
            (Shape([2, 40, 40, 64]), 32), ([1, 9000, 30], 5), ([3, 1, 1, 96], 8), ([4, 32], 4),
        ] {
            for silu in [false, true] {
                let channels: Shape = [image.last]
                let inputs = [
                    randomTensor(image, seed: 4) * 3 + 1, randomTensor(channels, seed: 5),
                    randomTensor(channels, seed: 6),
                ]
                let dy = randomTensor(image, seed: 7)
                let single = results(inputs, groups: groups, silu: silu, dy: dy)
                let exact = results(
                    inputs.map { $0.cast(to: .float64) }, groups: groups, silu: silu,
                    dy: dy.cast(to: .float64))
                for (actual, expected) in zip([single.y] + single.gradients, [exact.y] + exact.gradients) {
                    let largest = expected.doubles.reduce(0) { max($0, abs($1)) }
                    assertClose(
                        actual.cast(to: .float64), expected, absolute: 2e-6 * largest,
                        "\(image), silu \(silu)")
                }
            }
        }
    }

    /// A mean far from zero must not cost the variance its digits.
    func testSurvivesALargeMean() {
        let x = randomTensor([2, 16, 16, 32], seed: 8) + 10_000
        let exact = groupNorm(x.cast(to: .float64), groups: 4, scale: nil, shift: nil)
        assertClose(
            groupNorm(x, groups: 4, scale: nil, shift: nil).cast(to: .float64), exact, absolute: 2e-3)
        let center = groupNorm(x - 10_000, groups: 4, scale: nil, shift: nil)
        assertClose(groupNorm(x, groups: 4, scale: nil, shift: nil), center, absolute: 2e-3)
    }

    func testAConstantImageBecomesTheShift() {
        let shift = randomTensor([8], seed: 9)
        assertClose(
            groupNorm(Tensor(full: 7, [2, 3, 3, 8]), groups: 2, scale: .ones([8]), shift: shift),
            shift.broadcast(to: [2, 3, 3, 8]), absolute: 1e-6)
    }

    func testTypesOfTwoBytesAreRoundedOnce() {
        let x = randomTensor([2, 5, 5, 32], seed: 10).cast(to: .bfloat16)
        let scale = randomTensor([32], seed: 11).cast(to: .bfloat16)
        let wide = groupNorm(
            x.cast(to: .float32), groups: 8, scale: scale.cast(to: .float32), shift: nil, silu: true)
        assertIdentical(
            groupNorm(x, groups: 8, scale: scale, shift: nil, silu: true), wide.cast(to: .bfloat16))
    }
}
