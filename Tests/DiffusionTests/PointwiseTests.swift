import Diffusion
import Foundation
import TensorCore
import TestSupport
import XCTest

final class PointwiseTests: XCTestCase {
    private let noise = SampleNoise(RandomKey(seed: 1, stream: 7))
    private let wide = Gaussian(mean: [0.9, 0], covariance: Matrix([[0.3, 0.1], [0.1, 0.2]]))
    private let narrow = Gaussian(mean: [-0.4, 0.5], covariance: .diagonal([0.05, 0.08]))

    private func sampling() throws -> NoiseSchedule {
        try NoiseSchedule(.linear, trainSteps: 200, betaStart: 0.0005, betaEnd: 0.1)
    }

    /// KL(p‖q_i) by Lemma 2, averaged over `count` samples of p.
    private func divergences(
        _ p: Gaussian, _ models: [Gaussian], _ quadrature: LogNoiseQuadrature, count: Int, stride: Int = 1
    ) throws -> [Double] {
        let reference = p.predictor(quadrature.schedule)
        let predictors = models.map { $0.predictor(quadrature.schedule) }
        let sums = try quadrature.divergenceSums(
            of: p.matchedSamples(count, seed: 1), noise: SampleNoise(RandomKey(seed: 1, stream: 7)),
            stride: stride
        ) { x, t in (try reference(x, t), try predictors.map { try $0(x, t) }) }
        return sums.map { $0 / Double(count) }
    }

    /// Every sample by itself adds up to the sums; equal weights add up squares.
    func testDivergencesOfSamplesAddUp() throws {
        let quadrature = try LogNoiseQuadrature(sampling(), timesteps: [3, 50, 120, 199])
        let models = [narrow, Gaussian(mean: [1, 0], covariance: .diagonal([0.2, 0.2]))].map {
            $0.predictor(quadrature.schedule)
        }
        let p = wide.predictor(quadrature.schedule)
        let samples = wide.matchedSamples(8, seed: 1)
        let predictions = { (x: Tensor, t: Timesteps) in
            (p: try p(x, t), models: try models.map { try $0(x, t) })
        }
        for stride in [1, 2] {
            let each = try quadrature.divergences(
                of: samples, noise: noise, stride: stride, predictions: predictions)
            XCTAssertEqual(each.map(\.count), [8, 8])
            let sums = try quadrature.divergenceSums(
                of: samples, noise: noise, stride: stride, predictions: predictions)
            assertClose(each.map { $0.reduce(0, +) }, sums, rtol: 1e-12)
        }
        let equal = LogNoiseQuadrature(quadrature.schedule, timesteps: [3, 50], equalWeight: 0.25)
        var expected = [Double](repeating: 0, count: 8)
        for (pass, timestep) in [3, 50].enumerated() {
            let x = equal.schedule.noised(
                samples, with: noise.normal(pass, like: samples), at: .all(timestep))
            let squares = (try p(x, .all(timestep)) - models[0](x, .all(timestep))).squaredNorms().doubles
            for (index, square) in squares.enumerated() { expected[index] += 0.25 * square }
        }
        let found = try equal.divergences(of: samples, noise: noise, predictions: predictions)
        assertClose(found[0], expected, rtol: 1e-12)
    }

    /// Samples of two prompts in turn, each of which is to see all four nodes: what depends on the node alone has the
    /// same mean for both, that of all nodes.
    func testEveryPopulationSeesAllNodes() throws {
        let quadrature = try LogNoiseQuadrature(sampling(), timesteps: [3, 50, 120, 199])
        let samples = wide.matchedSamples(24, seed: 1)
        let predictions = { (x: Tensor, timesteps: Timesteps) in
            let levels: [Int32]
            switch timesteps {
            case .all(let timestep): levels = Array(repeating: Int32(timestep), count: x.shape[0])
            case .each(let timesteps): levels = timesteps
            }
            let rows = levels.flatMap { Array(repeating: Float($0), count: x.shape[1]) }
            return (p: Tensor.zeros(x.shape), models: [Tensor(rows, shape: x.shape)])
        }
        let whole = try quadrature.divergences(of: samples, noise: noise, predictions: predictions)[0][0]
        for (stride, populations) in [(2, 2), (2, 4), (4, 2), (4, 6), (3, 2), (2, 3)] {
            let found = try quadrature.divergences(
                of: samples, noise: noise, stride: stride, populations: populations, predictions: predictions)[
                    0]
            for population in 0..<populations {
                let own = Swift.stride(from: population, to: 24, by: populations).map { found[$0] }
                XCTAssertEqual(
                    own.reduce(0, +) / Double(own.count), whole, accuracy: 1e-6 * whole,
                    "stride \(stride), population \(population) of \(populations)")
            }
        }
    }

    func testWeights() throws {
        let schedule = try NoiseSchedule(noiseToSignal: 0.01...100, levels: 5)
        let nodes = try LogNoiseQuadrature(schedule).nodes
        let h = log(10.0)
        assertClose(nodes.map(\.weight), [h / 2 + 0.5, h, h, h, h / 2], rtol: 1e-12)
        XCTAssertEqual(nodes.map(\.tail), [0, 0, 0, 0, 0.5])
        let some = try LogNoiseQuadrature(schedule, timesteps: [0, 3, 4]).nodes
        assertClose(some.map(\.weight), [1.5 * h + 0.5, 2 * h, h / 2], rtol: 1e-12)

        let empty = try schedule.rescaledToZeroTerminalSNR()
        XCTAssertEqual(try LogNoiseQuadrature(empty).nodes.count, 4)
        XCTAssertThrowsError(try LogNoiseQuadrature(empty, timesteps: [0, 4])) {
            XCTAssertEqual($0 as? DiffusionError, .noSignal(timestep: 4))
        }
        for timesteps in [[], [1], [2, 1], [1, 1]] {
            XCTAssertThrowsError(try LogNoiseQuadrature(schedule, timesteps: timesteps))
        }
    }

    /// Equal covariances s²I: ‖m_1 − m_2‖²/(2s²).
    ///
    /// The integrand does not depend on x: no sampling error.
    func testShiftedGaussians() throws {
        let schedules = [
            try sampling(), try NoiseSchedule(.linear),
            try NoiseSchedule(.scaledLinear, betaStart: 0.00085, betaEnd: 0.012),
            try NoiseSchedule(noiseToSignal: 0.005...500, levels: 60),
        ]
        for schedule in schedules {
            let quadrature = try LogNoiseQuadrature(schedule)
            for variance in [0.04, 0.2, 1] {
                let (p, q) = (
                    Gaussian(mean: [0.5, -0.3, 0.1], variance: variance),
                    Gaussian(mean: [-0.2, 0.4, 0.3], variance: variance)
                )
                let expected = (0.49 + 0.49 + 0.04) / (2 * variance)
                let found = try divergences(p, [q], quadrature, count: 8)
                assertClose(found, [expected], rtol: 0.005, "T = \(schedule.trainSteps), s² = \(variance)")
            }
        }
    }

    func testAnisotropicPairs() throws {
        let quadrature = try LogNoiseQuadrature(sampling())
        for (p, q) in [(wide, narrow), (narrow, wide)] {
            let product = Gaussian.product([p, q], [0.635, 0.365])
            let found = try divergences(product, [p, q], quadrature, count: 4096)
            // Measured: .3 % of the quadrature, .05 % of sampling.
            assertClose(
                found, [product.divergence(from: p), product.divergence(from: q)], rtol: 0.005, "product")
            assertClose(
                try divergences(p, [q], quadrature, count: 4096), [p.divergence(from: q)], rtol: 0.005, "pair"
            )
        }
    }

    func testEightDimensions() throws {
        let dimension = 8
        /// Correlations 2^−|i−j|.
        func correlated(_ scale: Double) -> Matrix {
            Matrix(
                (0..<dimension).map { i in
                    (0..<dimension).map { j -> Double in scale * pow(0.5, Double(abs(i - j))) }
                })
        }
        let p = Gaussian(
            mean: (0..<dimension).map { 0.1 * Double($0) }, covariance: correlated(0.2).adding(identity: 0.05)
        )
        let q = Gaussian(
            mean: (0..<dimension).map { 0.4 - 0.05 * Double($0) },
            covariance: correlated(0.35).adding(identity: 0.1))
        let quadrature = try LogNoiseQuadrature(sampling())
        assertClose(
            try divergences(p, [q, p], quadrature, count: 2048), [p.divergence(from: q), 0], rtol: 0.005,
            atol: 1e-12)
    }

    /// Each sample sees every fourth level: the same expectation at a quarter of the evaluations.
    func testStridesAreUnbiased() throws {
        let quadrature = try LogNoiseQuadrature(sampling())
        let shifted = Gaussian(mean: [1.2, -0.3], covariance: wide.covariance)
        let whole = try divergences(wide, [shifted], quadrature, count: 24)
        for stride in [2, 3, 8, 24] {
            XCTAssertEqual(quadrature.passes(stride: stride), (200 + stride - 1) / stride)
            assertClose(
                try divergences(wide, [shifted], quadrature, count: 24, stride: stride), whole, rtol: 1e-9,
                "stride \(stride)")
        }
        assertClose(
            try divergences(wide, [narrow], quadrature, count: 16_384, stride: 8),
            [wide.divergence(from: narrow)], rtol: 0.01)
    }

    func testPartsOfABatchAddUp() throws {
        let quadrature = try LogNoiseQuadrature(
            sampling(), timesteps: Array(stride(from: 0, to: 200, by: 10)))
        let (p, q) = (wide.predictor(quadrature.schedule), narrow.predictor(quadrature.schedule))
        func sum(_ samples: Range<Int>, stride: Int) throws -> Double {
            try quadrature.divergenceSums(
                of: wide.samples(samples.count, seed: 2, first: samples.lowerBound),
                noise: SampleNoise(RandomKey(seed: 2, stream: 7), firstSample: samples.lowerBound),
                stride: stride
            ) { x, t in (try p(x, t), [try q(x, t)]) }[0]
        }
        for stride in [1, 3] {
            assertClose(
                try sum(0..<50, stride: stride) + sum(50..<128, stride: stride),
                try sum(0..<128, stride: stride), rtol: 1e-12)
        }
    }

    func testNothingIsRecorded() throws {
        let quadrature = try LogNoiseQuadrature(sampling(), timesteps: [0, 100, 199])
        let x0 = Tensor([0.1, 0.2], shape: [2, 1]).tracked()
        let noise = SampleNoise(RandomKey(seed: 0, stream: 0))
        _ = try quadrature.divergenceSums(of: x0, noise: noise) { x, _ in
            XCTAssertFalse((x * x0).isTracked)
            return (x, [x])
        }
    }
}
