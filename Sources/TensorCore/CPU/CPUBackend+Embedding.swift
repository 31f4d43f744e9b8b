import CKernels

extension CPUBackend {
    public func gatherRows(_ table: Tensor, _ indices: Tensor, into y: Tensor) {
        let (rows, width) = (table.shape[0], table.shape[1])
        let chosen = UnsafeBufferPointer(
            start: indices.pointer.assumingMemoryBound(to: Int32.self), count: indices.elementCount)
        for index in chosen {
            precondition(
                index >= 0 && index < rows, "embedding: index \(index) is outside the table's \(rows) rows")
        }
        ck_gather_rows(
            table.dtype.byteWidth, table.pointer, chosen.baseAddress, y.pointer, chosen.count, width)
    }

    public func scatterAddRows(_ dy: Tensor, _ indices: Tensor, into table: Tensor) {
        ck_scatter_add_rows(
            dy.kernelType, dy.pointer, indices.pointer.assumingMemoryBound(to: Int32.self), table.pointer,
            indices.elementCount, table.shape[1])
    }
}
