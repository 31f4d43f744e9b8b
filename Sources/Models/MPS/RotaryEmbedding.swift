import Layers
import TensorCore

/// Turns features by angles that grow with a token's place, so that products of two tell how far apart they are
/// (Su and others 2021, equation 34): feature i with feature i + D/2, by place · frequency i.
///
/// - Shapes: x, y `[N, tokens, heads, D]`.
final class RotaryEmbedding: Module {
    /// As the file has them, 10000^(−2i/D).
    private let frequencies: Parameter

    init(_ source: ParameterSource, width: Int) { frequencies = source("inv_freq", [width / 2]) }

    func callAsFunction(_ x: Tensor) -> Tensor {
        let (tokens, half) = (x.shape[1], x.shape[3] / 2)
        // Angles of hundreds of radians leave too few digits in f32.
        let places = Tensor((0..<tokens).map(Double.init), shape: [tokens, 1, 1], on: x.device)
        let angles = places * frequencies.value.cast(to: .float64)
        let (cosine, sine) = (angles.cosine().cast(to: x.dtype), angles.sine().cast(to: x.dtype))
        let (a, b) = (x.slice(0..<half, axis: 3), x.slice(half..<2 * half, axis: 3))
        return Tensor.concatenated([a * cosine - b * sine, b * cosine + a * sine], axis: 3)
    }

    var namedParameters: [NamedParameter] { [NamedParameter("inv_freq", frequencies)] }
}
