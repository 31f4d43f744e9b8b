/// What a device must provide: memory and the op table, one protocol per family of ops.
///
/// Kernels see plain tensors (no graph), write into tensors the op allocated, and are called with shapes the op
/// has checked. Each family's protocol stands in the op's file, beside its forward and adjoint.
public protocol Backend: MemoryKernels, ElementwiseKernels, LayoutKernels, ReductionKernels, MatrixKernels,
    SoftmaxKernels, LayerNormKernels, ConvolutionKernels, GroupNormKernels, ResamplingKernels,
    AttentionKernels, GatedUnitKernels, EmbeddingKernels, RandomKernels, OptimizerKernels
{}

/// Storage and transfers of a device.
public protocol MemoryKernels: AnyObject, Sendable {
    func allocate(byteCount: Int) -> Storage
    func fill(_ y: Tensor, with value: Double)
    func copyFromHost(_ bytes: UnsafeRawBufferPointer, into y: Tensor)
    func withHostBytes<Result>(
        _ x: Tensor, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result
}
