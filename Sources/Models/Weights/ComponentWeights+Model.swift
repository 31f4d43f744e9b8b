import Layers
import TensorCore
import WeightFiles

extension ComponentWeights {
    /// The model that `build` describes, with these weights: all that it asks for and no others.
    ///
    /// - Parameter dtype: the type to hold weights in; nil keeps the stored one.
    /// - Throws: `ModelFilesError.mismatch`.
    public func model<Model>(
        as dtype: DType? = .float32, _ build: (ParameterSource) throws -> Model
    ) throws -> Model {
        let tensors = try load(ParameterSource.declarations(of: build), as: dtype)
        return try build(ParameterSource(tensors))
    }
}
