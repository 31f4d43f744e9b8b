import CKernels

extension CPUBackend {
    public func gatherRows(_ table: Tensor, _ indices: Tensor, into y: Tensor) {
        ck_gather_rows(
            table.dtype.byteWidth, table.pointer, indices.pointer.assumingMemoryBound(to: Int32.self),
            y.pointer,
            indices.elementCount, table.shape[1])
    }

    public func scatterAddRows(_ dy: Tensor, _ indices: Tensor, into table: Tensor) {
        ck_scatter_add_rows(
            dy.kernelType, dy.pointer, indices.pointer.assumingMemoryBound(to: Int32.self), table.pointer,
            indices.elementCount, table.shape[1])
    }
}
