import Diffusion
import Foundation
import TensorCore
import TestSupport
import XCTest

final class FlowSamplerTests: XCTestCase {
    private func schedule() throws -> NoiseSchedule {
        try NoiseSchedule(.linear, trainSteps: 200, betaStart: 0.0005, betaEnd: 0.1)
    }

    /// Under the exact score of N(m, s²) the flow keeps (y − m)/√(s² + γ²), y = x/√ᾱ.
    func testStandardDeviationOfGaussians() throws {
        let schedule = try schedule()
        let timesteps = schedule.timestepsEvenInLogNoise(count: 50)
        let ends = Tensor([Double]([-2, -1, 0, 1, 2]), shape: [5, 1]).cast(to: .float32)
        for variance in [0.01, 0.05, 0.3, 1, 4] {
            let mean = 0.7
            let sample = try flowSample(from: ends, schedule: schedule, timesteps: timesteps) { x, t in
                guard case .all(let timestep) = t else { return x }
                let alpha = schedule.alphaCumprod(at: timestep)
                return (x - alpha.squareRoot() * mean)
                    * ((1 - alpha).squareRoot() / (alpha * variance + 1 - alpha))
            }
            let top = schedule.noiseToSignal(at: 199)
            let shift = (1 + top * top).squareRoot()
            let expected = ends.doubles.map { z in
                mean + variance.squareRoot() * (z * shift - mean) / (variance + top * top).squareRoot()
            }
            assertClose(
                sample.doubles, expected, rtol: 0.015, atol: 0.015 * variance.squareRoot(), "s² = \(variance)"
            )
        }
    }

    /// Halving the steps in log γ quarters the error.
    func testSecondOrder() throws {
        let schedule = try NoiseSchedule(noiseToSignal: 0.01...50, levels: 257)
        let z = Tensor([Float]([1]), shape: [1, 1])
        let deviation = { (count: Int) in
            let timesteps = (0..<count).map { 256 - $0 * (256 / (count - 1)) }
            return try flowSample(from: z.cast(to: .float64), schedule: schedule, timesteps: timesteps) {
                x, t in
                guard case .all(let timestep) = t else { return x }
                let alpha = schedule.alphaCumprod(at: timestep)
                return x * (1 - alpha).squareRoot()
            }.item
        }
        let errors = try [33, 65, 129].map { abs(try deviation($0) - 1) }
        XCTAssertGreaterThan(errors[0] / errors[1], 3)
        XCTAssertGreaterThan(errors[1] / errors[2], 3)
        XCTAssertLessThan(errors[2], 2e-3)
    }

    func testTimestepsAreEvenInLogNoise() throws {
        let schedule = try NoiseSchedule(noiseToSignal: 0.01...100, levels: 401)
        XCTAssertEqual(schedule.timestepsEvenInLogNoise(count: 5), [400, 300, 200, 100, 0])
        XCTAssertEqual(try self.schedule().timestepsEvenInLogNoise(count: 1), [199])
        let zero = try self.schedule().rescaledToZeroTerminalSNR()
        XCTAssertEqual(zero.timestepsEvenInLogNoise(count: 3).first, 198)
    }
}

final class SampleNoiseTests: XCTestCase {
    func testMirroredPairs() {
        let noise = SampleNoise(RandomKey(seed: 1, stream: 2), isMirrored: true)
        let whole = noise.normal(3, like: Tensor.zeros([8, 3]))
        let rows = whole.floats
        for pair in 0..<4 {
            XCTAssertEqual(
                rows[pair * 6..<pair * 6 + 3].map { -$0 }, Array(rows[pair * 6 + 3..<pair * 6 + 6]))
        }
        XCTAssertEqual(Set(rows).count, 24)
        let uniforms = noise.uniform(1, samples: 8)
        XCTAssertEqual(Set(uniforms).count, 4)
        XCTAssertEqual([uniforms[0], uniforms[2]], [uniforms[1], uniforms[3]])
        // The same in any batch.
        let late = SampleNoise(noise.key, firstSample: 4, isMirrored: true)
        XCTAssertEqual(late.normal(3, like: Tensor.zeros([4, 3])).floats, Array(rows[12...]))
        XCTAssertEqual(late.uniform(1, samples: 4), Array(uniforms[4...]))
    }
}
