import TensorCore
import TestSupport
import XCTest

final class LayerNormTests: XCTestCase {
    private static let epsilon = 1e-5

    private func naive(_ x: Tensor, _ scale: Tensor?, _ shift: Tensor?) -> [Double] {
        let columns = x.shape.last
        let values = x.doubles
        let (gamma, beta) = (scale?.doubles, shift?.doubles)
        return stride(from: 0, to: values.count, by: columns).flatMap { start in
            let row = Array(values[start..<(start + columns)])
            let mean = row.reduce(0, +) / Double(columns)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
            return row.indices.map {
                (gamma?[$0] ?? 1) * (row[$0] - mean) / (variance + Self.epsilon).squareRoot()
                    + (beta?[$0] ?? 0)
            }
        }
    }

    /// With and without each parameter.
    private func forEachChoice(
        _ columns: Int, _ dtype: DType, _ device: Device = .cpu, _ body: (Tensor?, Tensor?) -> Void
    ) {
        let scale = randomTensor([columns], seed: 1, dtype: dtype, on: device)
        let shift = randomTensor([columns], seed: 2, dtype: dtype, on: device)
        for (scale, shift) in [(scale, shift), (scale, nil), (nil, shift), (nil, nil)] { body(scale, shift) }
    }

    func testMatchesItsDefinition() {
        forEachDevice { device in
            for shape in [Shape([8]), [3, 5], [2, 3, 320], [600, 33]] {
                let x = randomTensor(shape, seed: 3, on: device) * 3 + 1
                forEachChoice(shape.last, .float32, device) { scale, shift in
                    assertClose(
                        layerNorm(x, scale: scale, shift: shift).doubles, naive(x, scale, shift),
                        absolute: 2e-6, relative: 2e-6, "\(shape)")
                }
            }
        }
    }

    /// A mean far from zero must not cost the variance its digits.
    func testSurvivesALargeMean() {
        let x = randomTensor([4, 64], seed: 4) + 1000
        assertClose(
            layerNorm(x, scale: nil, shift: nil).doubles, naive(x, nil, nil), absolute: 1e-4, relative: 1e-4)
    }

    func testAConstantRowBecomesTheShift() {
        let shift = randomTensor([6], seed: 5)
        assertClose(
            layerNorm(Tensor(full: 7, [2, 6]), scale: .ones([6]), shift: shift), shift.broadcast(to: [2, 6]),
            absolute: 1e-6)
    }

    func testAdjointsAgreeWithCentralDifferences() {
        for shape in [Shape([8]), [3, 5], [2, 3, 4], [0, 4]] {
            let x = randomTensor(shape, seed: 6, dtype: .float64)
            forEachChoice(shape.last, .float64) { scale, shift in
                let parameters = [scale, shift].compactMap { $0 }
                checkGradient(
                    of: { inputs in
                        let shiftPosition = scale == nil ? 1 : 2
                        return layerNorm(
                            inputs[0], scale: scale.map { _ in inputs[1] },
                            shift: shift.map { _ in inputs[shiftPosition] })
                    }, at: [x] + parameters, "\(shape), \(parameters.count) parameters")
            }
        }
    }

    func testFrozenParametersGetNoGradient() {
        let x = randomTensor([3, 5], seed: 7, dtype: .float64)
        let scale = randomTensor([5], seed: 8, dtype: .float64)
        let shift = randomTensor([5], seed: 9, dtype: .float64)
        checkGradient(of: { layerNorm($0[0], scale: scale, shift: shift) }, at: [x])
        checkGradient(of: { layerNorm(x, scale: $0[0], shift: shift) }, at: [scale])
        checkGradient(of: { layerNorm(x, scale: scale, shift: $0[0]) }, at: [shift])
    }

    /// More rows than one block of partial sums.
    func testParameterGradientsOverManyRows() {
        let x = randomTensor([1000, 24], seed: 10)
        let dy = randomTensor([1000, 24], seed: 11)
        let (scale, shift) = (randomTensor([24], seed: 12).tracked(), randomTensor([24], seed: 13).tracked())
        let result = gradients(of: [(layerNorm(x, scale: scale, shift: shift), dy)])
        let normalised = NaiveArray(
            Tensor(naive(x, nil, nil), shape: x.shape) * dy.cast(to: .float64))
        let sums = NaiveArray([24]) { index in (0..<1000).reduce(0) { $0 + normalised[[$1] + index] } }
        let upstream = NaiveArray(dy)
        let shifts = NaiveArray([24]) { index in (0..<1000).reduce(0) { $0 + upstream[[$1] + index] } }
        assertClose(result[scale]?.doubles ?? [], sums.values, absolute: 2e-5, relative: 1e-6)
        assertClose(result[shift]?.doubles ?? [], shifts.values, absolute: 2e-5, relative: 1e-6)
    }
}
