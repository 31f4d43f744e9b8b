import TensorCore

/// One array of a model: frozen, or a leaf that gradients are taken for.
///
/// The optimiser changes a trainable parameter in place between passes; passes on several threads may read it.
public final class Parameter: @unchecked Sendable {
    /// What layers compute with.
    public private(set) var value: Tensor

    /// - Parameter value: copied where it is trained, since an optimiser changes it in place and it may be shared, or
    ///   a mapped file.
    public init(_ value: Tensor, isTrainable: Bool = true) {
        self.value = isTrainable ? value.detached.copied().tracked() : value.detached
    }

    public var shape: Shape { value.shape }

    public var isTrainable: Bool {
        get { value.isTracked }
        set { value = newValue ? value.detached.copied().tracked() : value.detached }
    }

    /// Puts other values of the same shape in place.
    public func assign(_ newValue: Tensor) {
        precondition(
            newValue.shape == shape, "Parameter.assign: shape \(newValue.shape) for a parameter of \(shape)")
        let converted = newValue.detached.cast(to: value.dtype)
        value = isTrainable ? converted.copied().tracked() : converted
    }
}

/// A part of a model that owns parameters.
public protocol Module: AnyObject, Sendable {
    /// Parameters by the dotted names they carry in files, in a fixed order.
    var namedParameters: [NamedParameter] { get }
}

/// A parameter and its dotted name.
public struct NamedParameter: Sendable {
    public let name: String
    public let parameter: Parameter

    public init(_ name: String, _ parameter: Parameter) {
        self.name = name
        self.parameter = parameter
    }
}

extension Module {
    /// This module's parameters under `prefix.`.
    public func namedParameters(under prefix: String) -> [NamedParameter] {
        namedParameters.map { NamedParameter("\(prefix).\($0.name)", $0.parameter) }
    }

    public var parameters: [Parameter] { namedParameters.map(\.parameter) }
}
