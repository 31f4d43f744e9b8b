import Foundation
import TensorCore
import TestSupport

/// What PyTorch computes in double precision (Fixtures/make_image_operations.py); gradients are of ⟨dy, y⟩.
struct ImageFixture: Decodable {
    struct Convolution: Decodable {
        let image: [Int]
        let weight: [Int]
        let stride: Int
        /// Top, bottom, left, right.
        let padding: [Int]
        let shape: [Int]
        let y: [Double]
        let dX: [Double]
        let dWeight: [Double]
        let dBias: [Double]

        var sides: Padding {
            Padding(top: padding[0], bottom: padding[1], left: padding[2], right: padding[3])
        }
    }

    struct GroupNorm: Decodable {
        let image: [Int]
        let groups: Int
        let silu: Bool
        let y: [Double]
        let dX: [Double]
        let dScale: [Double]
        let dShift: [Double]
    }

    struct Attention: Decodable {
        let batch: Int
        let queries: Int
        let keys: Int
        let heads: Int
        let width: Int
        let causal: Bool
        let y: [Double]
        let dQ: [Double]
        let dK: [Double]
        let dV: [Double]
    }

    let torch: String
    let convolutions: [Convolution]
    let groupNorms: [GroupNorm]
    let attentions: [Attention]

    static func load() throws -> ImageFixture {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(
            ImageFixture.self, from: Data(contentsOf: fixture("image_operations.json")))
    }

    /// The generator's inputs: sin(0.7 i + 0.013 i² + phase).
    static func wave(_ shape: [Int], phase: Double, dtype: DType) -> Tensor {
        let values = (0..<shape.reduce(1, *)).map { index in
            let i = Double(index)
            return sin(0.7 * i + 0.013 * i * i + phase)
        }
        return Tensor(values, shape: Shape(shape)).cast(to: dtype)
    }

    /// The generator's upstream gradient.
    static func upstream(_ y: Tensor) -> Tensor { wave(y.shape.dimensions, phase: 9, dtype: y.dtype) }

    /// Error allowed in each type: that of the fixture's nine digits, or of float arithmetic.
    static func tolerance(_ dtype: DType) -> Double { dtype == .float64 ? 2e-8 : 1e-5 }
}
