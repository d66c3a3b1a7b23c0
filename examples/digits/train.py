"""Data-parallel training without a framework: a small network learns handwritten digits.

Every member has the whole network and its own part of the data. After each batch the members
average their gradients over TCP, so that all of them make the same step. The broker says who is
who: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT. Member 0 leaves the model in BRAIN_OUTPUT_DIR.

数据并行训练示例：每个成员持有完整网络与各自的数据，每个批次后经 TCP 平均梯度。
"""

import argparse
import hashlib
import json
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits  # type: ignore[import-untyped]

Array = NDArray[np.float64]

CONNECT_TIMEOUT_S = 60.0
MESSAGE_TIMEOUT_S = 60.0
RANK = struct.Struct("!I")


class Gang:
    """The members of one job: member 0 is the hub, to which all others keep one connection."""

    def __init__(self, rank: int, size: int, address: tuple[str, int]) -> None:
        self.rank = rank
        self.size = size
        self.peers: list[socket.socket] = []
        if size > 1:
            self.peers = self._accept(address) if rank == 0 else [self._connect(address)]

    def mean(self, values: Array) -> Array:
        """The same array on every member: the mean of what each gave."""
        if self.size == 1:
            return values
        if self.rank != 0:
            self.peers[0].sendall(values.tobytes())
            return _receive(self.peers[0], values)
        total = values.copy()
        for peer in self.peers:  # in the order of ranks: sums of floats depend on it
            total += _receive(peer, values)
        total /= self.size
        for peer in self.peers:
            peer.sendall(total.tobytes())
        return total

    def close(self) -> None:
        for peer in self.peers:
            peer.close()

    def _accept(self, address: tuple[str, int]) -> list[socket.socket]:
        by_rank: dict[int, socket.socket] = {}
        with socket.create_server(address) as server:
            server.settimeout(CONNECT_TIMEOUT_S)
            while len(by_rank) < self.size - 1:
                peer, _ = server.accept()
                _prepare(peer)
                (rank,) = RANK.unpack(_receive_bytes(peer, RANK.size))
                by_rank[rank] = peer
        return [by_rank[rank] for rank in sorted(by_rank)]

    def _connect(self, address: tuple[str, int]) -> socket.socket:
        deadline = time.monotonic() + CONNECT_TIMEOUT_S
        while time.monotonic() < deadline:
            with suppress(OSError):  # member 0 may still be starting
                hub = socket.create_connection(address, timeout=1.0)
                _prepare(hub)
                hub.sendall(RANK.pack(self.rank))
                return hub
            time.sleep(0.05)
        raise TimeoutError(f"member 0 does not answer at {address[0]}:{address[1]}")


def _prepare(peer: socket.socket) -> None:
    peer.settimeout(MESSAGE_TIMEOUT_S)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _receive(peer: socket.socket, like: Array) -> Array:
    data = _receive_bytes(peer, like.nbytes)
    return np.frombuffer(data, dtype=like.dtype).reshape(like.shape)


def _receive_bytes(peer: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        part = peer.recv(count - len(data))
        if not part:
            raise ConnectionError("another member is gone")
        data += part
    return bytes(data)


class Network:
    """One hidden layer; all weights lie in one array, which is what the members average."""

    def __init__(self, inputs: int, hidden: int, outputs: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.shapes = [(inputs, hidden), (hidden,), (hidden, outputs), (outputs,)]
        scales = [np.sqrt(2.0 / inputs), 0.0, np.sqrt(2.0 / hidden), 0.0]
        parts = [
            scale * random.standard_normal(shape)
            for scale, shape in zip(scales, self.shapes, strict=True)
        ]
        self.weights: Array = np.concatenate([part.ravel() for part in parts])
        self.velocity: Array = np.zeros_like(self.weights)

    def probabilities(self, images: Array) -> tuple[Array, Array]:
        """(hidden activations, class probabilities) of `images` (count, inputs)."""
        first, first_bias, second, second_bias = self._split(self.weights)
        hidden = np.maximum(images @ first + first_bias, 0.0)
        scores = hidden @ second + second_bias
        scores -= scores.max(axis=1, keepdims=True)
        powers = np.exp(scores)
        return hidden, powers / powers.sum(axis=1, keepdims=True)

    def loss_and_gradient(self, images: Array, labels: NDArray[np.int64]) -> tuple[float, Array]:
        """The cross-entropy of a batch, and its gradient by all weights."""
        hidden, probabilities = self.probabilities(images)
        rows = np.arange(len(labels))
        loss = float(-np.log(probabilities[rows, labels] + 1e-12).mean())
        error = probabilities.copy()
        error[rows, labels] -= 1.0
        error /= len(labels)
        back = (error @ self._split(self.weights)[2].T) * (hidden > 0.0)
        parts = [images.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)]
        return loss, np.concatenate([part.ravel() for part in parts])

    def step(self, gradient: Array, rate: float) -> None:
        self.velocity = 0.9 * self.velocity - rate * gradient
        self.weights = self.weights + self.velocity

    def accuracy(self, images: Array, labels: NDArray[np.int64]) -> float:
        return float((self.probabilities(images)[1].argmax(axis=1) == labels).mean())

    def digest(self) -> str:
        """The same on two members only if all their weights are the same, to the last bit."""
        return hashlib.sha256(self.weights.tobytes()).hexdigest()[:16]

    def save(self, path: Path) -> None:
        names = ("hidden_weights", "hidden_bias", "output_weights", "output_bias")
        parts = dict(zip(names, self._split(self.weights), strict=True))
        np.savez(path, allow_pickle=False, **parts)

    def _split(self, flat: Array) -> list[Array]:
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])
        return [
            part.reshape(shape)
            for part, shape in zip(np.split(flat, ends[:-1]), self.shapes, strict=True)
        ]


def batches(count: int, size: int, seed: int) -> Iterator[NDArray[np.int64]]:
    order = np.random.default_rng(seed).permutation(count)
    for start in range(0, count - size + 1, size):
        yield order[start : start + size]


def train(gang: Gang, options: argparse.Namespace) -> dict[str, float | int | str]:
    digits = load_digits()
    images, labels = digits.data / 16.0, digits.target
    order = np.random.default_rng(options.seed).permutation(len(labels))
    test, rest = order[:360], order[360:]
    mine = rest[gang.rank :: gang.size][: len(rest) // gang.size]
    print(f"member {gang.rank} of {gang.size}: {len(mine)} images of {len(rest)}", flush=True)
    network = Network(images.shape[1], options.hidden, 10, options.seed)
    begun = time.monotonic()
    loss = 0.0
    for epoch in range(1, options.epochs + 1):
        losses = []
        for batch in batches(len(mine), options.batch, options.seed + epoch):
            chosen = mine[batch]
            one_loss, gradient = network.loss_and_gradient(images[chosen], labels[chosen])
            network.step(gang.mean(gradient), options.rate)
            losses.append(one_loss)
        loss = float(gang.mean(np.array([np.mean(losses)]))[0])
        if gang.rank == 0:
            print(f"epoch {epoch:>3}/{options.epochs}  loss {loss:.4f}", flush=True)
    accuracy = network.accuracy(images[test], labels[test])
    print(f"member {gang.rank}: weights {network.digest()}", flush=True)
    if gang.rank == 0:
        network.save(output_folder() / "model.npz")
    return {
        "accuracy": round(accuracy, 4),
        "loss": round(loss, 4),
        "epochs": options.epochs,
        "members": gang.size,
        "seconds": round(time.monotonic() - begun, 2),
        "weights": network.digest(),
    }


def output_folder() -> Path:
    folder = Path(os.environ.get("BRAIN_OUTPUT_DIR", "."))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description="Learn handwritten digits, data-parallel.")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--batch", type=int, default=32, help="images a member a step")
    parser.add_argument("--rate", type=float, default=0.05, help="learning rate")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    rank = int(os.environ.get("RANK", "0"))
    address = (os.environ.get("MASTER_ADDR", "127.0.0.1"), int(os.environ.get("MASTER_PORT", "0")))
    gang = Gang(rank, int(os.environ.get("WORLD_SIZE", "1")), address)
    try:
        result = train(gang, options)
    finally:
        gang.close()
    if rank == 0:
        (output_folder() / "result.json").write_text(json.dumps(result, indent=1) + "\n")
        print(f"accuracy {result['accuracy']:.4f}  model.npz saved", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
