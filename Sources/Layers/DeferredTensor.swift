import Synchronization
import TensorCore

/// A tensor that is made when it is first asked for, once, on whatever thread that is.
public final class DeferredTensor: Sendable {
    private enum State: @unchecked Sendable {
        case waiting(() -> Tensor)
        case made(Tensor)
    }

    public let shape: Shape
    private let state: Mutex<State>

    /// - Parameter make: gives a tensor of this shape.
    public init(shape: Shape, _ make: @escaping @Sendable () -> Tensor) {
        self.shape = shape
        state = Mutex(.waiting(make))
    }

    public var value: Tensor {
        state.withLock { state in
            switch state {
            case .made(let tensor): return tensor
            case .waiting(let make):
                let tensor = make().detached
                precondition(
                    tensor.shape == shape, "DeferredTensor: made \(tensor.shape), promised \(shape)")
                state = .made(tensor)
                return tensor
            }
        }
    }
}
