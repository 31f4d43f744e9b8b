/// A binary heap that gives its smallest element first.
struct Heap<Element: Comparable> {
    private var elements: [Element] = []

    mutating func push(_ element: Element) {
        elements.append(element)
        var child = elements.count - 1
        while child > 0, elements[child] < elements[(child - 1) / 2] {
            elements.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Element? {
        guard let smallest = elements.first else { return nil }
        let last = elements.removeLast()
        if !elements.isEmpty {
            elements[0] = last
            sink()
        }
        return smallest
    }

    /// Moves the first element down to its place.
    private mutating func sink() {
        var parent = 0
        while true {
            let children = (2 * parent + 1)..<min(2 * parent + 3, max(elements.count, 2 * parent + 1))
            guard let least = children.min(by: { elements[$0] < elements[$1] }),
                elements[least] < elements[parent]
            else { return }
            elements.swapAt(parent, least)
            parent = least
        }
    }
}
