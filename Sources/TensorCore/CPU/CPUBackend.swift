import CKernels
import COpenBLAS

/// The op table on the CPU: C kernels on ranges, OpenBLAS for matrices.
public final class CPUBackend: Backend {
    public static let shared = CPUBackend()

    public let allocator = CachingAllocator()

    /// Elements below which splitting an element-wise op over threads costs more than it saves.
    static let grain = 1 << 15

    private init() {
        // Products are cut and spread over threads by `MatrixTiling`.
        openblas_set_num_threads(1)
    }

    public func allocate(byteCount: Int) -> Storage { allocator.allocate(byteCount: byteCount) }

    public func fill(_ y: Tensor, with value: Double) {
        ck_fill(y.kernelType, value, y.pointer, y.elementCount)
    }

    public func copyFromHost(_ bytes: UnsafeRawBufferPointer, into y: Tensor) {
        guard let source = bytes.baseAddress else { return }
        y.pointer.copyMemory(from: source, byteCount: bytes.count)
    }

    public func withHostBytes<Result>(
        _ x: Tensor, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try withExtendedLifetime(x.storage) {
            try body(UnsafeRawBufferPointer(start: x.pointer, count: x.byteCount))
        }
    }
}

extension Tensor {
    /// The element type as the C kernels name it.
    var kernelType: ck_dtype {
        switch dtype {
        case .float32: ck_f32
        case .bfloat16: ck_bf16
        case .float16: ck_f16
        case .float64: ck_f64
        case .int32: ck_i32
        }
    }

    /// Start of the elements of an f32 tensor.
    var floatPointer: UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }

    /// Start of the elements of an f64 tensor.
    var doublePointer: UnsafeMutablePointer<Double> { pointer.assumingMemoryBound(to: Double.self) }

    /// Start of element `index`.
    func at(_ index: Int) -> UnsafeMutableRawPointer { pointer + index * dtype.byteWidth }
}
