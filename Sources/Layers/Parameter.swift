import TensorCore

/// One array of a model: frozen, or a leaf that gradients are taken for.
///
/// The optimiser changes a trainable parameter in place between passes; passes on several threads may read it.
public final class Parameter: @unchecked Sendable {
    private enum Content {
        case ready(Tensor)
        case deferred(DeferredTensor)
    }

    private var content: Content

    /// What layers compute with.
    public private(set) var value: Tensor {
        get {
            switch content {
            case .ready(let tensor): tensor
            case .deferred(let tensor): tensor.value
            }
        }
        set { content = .ready(newValue) }
    }

    /// - Parameter value: copied where it is trained, since an optimiser changes it in place and it may be shared, or
    ///   a mapped file.
    public init(_ value: Tensor, isTrainable: Bool = true) {
        content = .ready(isTrainable ? value.detached.copied().tracked() : value.detached)
    }

    /// A frozen array that is made when it is first used.
    public init(_ deferred: DeferredTensor) { content = .deferred(deferred) }

    public var shape: Shape {
        switch content {
        case .ready(let tensor): tensor.shape
        case .deferred(let tensor): tensor.shape
        }
    }

    public var isTrainable: Bool {
        get {
            if case .ready(let tensor) = content { tensor.isTracked } else { false }
        }
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
