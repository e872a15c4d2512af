"""The exact solution of the Riemann problem of the Euler equations (Toro, 3rd ed., chapter 4), in NumPy."""

import numpy as np


class ExactRiemann:
    """`solution(xi)` gives (density, velocity, pressure) at `xi = x / t` for a jump at x = 0 between two states.

    `left` and `right` are (density, velocity, pressure). `pressure` and `velocity` are those beside the contact.
    """

    def __init__(self, left, right, gamma: float = 1.4):
        self.left, self.right, self.gamma = left, right, gamma
        c_left, c_right = (np.sqrt(gamma * p / rho) for rho, _, p in (left, right))
        if 2 / (gamma - 1) * (c_left + c_right) <= right[1] - left[1]:
            raise ValueError("these states leave a vacuum between them")
        self.pressure = self._find_pressure()
        self.velocity = 0.5 * (left[1] + right[1] + self._rise(right)[0] - self._rise(left)[0])

    def __call__(self, xi):
        xi = np.asarray(xi, float)
        mirrored = (self.right[0], -self.right[1], self.right[2])
        rho_left, v_left, p_left = self._beside(self.left, xi, self.velocity)
        rho_right, v_right, p_right = self._beside(mirrored, -xi, -self.velocity)
        on_left = xi < self.velocity
        return (
            np.where(on_left, rho_left, rho_right),
            np.where(on_left, v_left, -v_right),
            np.where(on_left, p_left, p_right),
        )

    def _find_pressure(self) -> float:
        """Newton's method for the pressure at which the velocities behind both outer waves agree."""
        pressure = min(self.left[2], self.right[2])  # the function is concave: from below it converges from below
        for _ in range(200):
            (f, df), (g, dg) = self._rise(self.left, pressure), self._rise(self.right, pressure)
            step = (f + g + self.right[1] - self.left[1]) / (df + dg)
            new = pressure - step if step < pressure else 0.1 * pressure
            if abs(new - pressure) <= 1e-15 * pressure:
                break
            pressure = new
        return pressure

    def _rise(self, state, pressure=None):
        """How much faster the gas recedes behind a wave into `state` that raises its pressure; the derivative."""
        rho, _, p = state
        pressure, gamma = self.pressure if pressure is None else pressure, self.gamma
        if pressure > p:
            a, b = 2 / ((gamma + 1) * rho), (gamma - 1) / (gamma + 1) * p
            root = np.sqrt(a / (pressure + b))
            return (pressure - p) * root, root * (1 - 0.5 * (pressure - p) / (pressure + b))
        c = np.sqrt(gamma * p / rho)
        ratio = pressure / p
        power = (gamma - 1) / (2 * gamma)
        return 2 * c / (gamma - 1) * (ratio**power - 1), ratio ** (power - 1) / (rho * c)

    def _beside(self, state, xi, contact):
        """The solution between the left state and the contact."""
        rho, v, p = state
        gamma, c, ratio = self.gamma, np.sqrt(self.gamma * p / rho), self.pressure / p
        if ratio > 1:
            weight = (gamma - 1) / (gamma + 1)
            shock = v - c * np.sqrt((gamma + 1) / (2 * gamma) * ratio + (gamma - 1) / (2 * gamma))
            behind = rho * (ratio + weight) / (weight * ratio + 1)
            ahead = xi < shock
            return tuple(np.where(ahead, *pair) for pair in ((rho, behind), (v, contact), (p, self.pressure)))
        head, tail = v - c, contact - c * ratio ** ((gamma - 1) / (2 * gamma))
        inside = np.clip(xi, head, tail)
        local = (2 * c + (gamma - 1) * (v - inside)) / (gamma + 1)  # the speed of sound
        relative = local / c
        return rho * relative ** (2 / (gamma - 1)), inside + local, p * relative ** (2 * gamma / (gamma - 1))


# Toro's tests 1 to 5 (section 4.3.3): states, and pressure and velocity beside the contact.
TORO = {
    "sod": ((1.0, 0.0, 1.0), (0.125, 0.0, 0.1), 0.30313, 0.92745),
    "123": ((1.0, -2.0, 0.4), (1.0, 2.0, 0.4), 0.00189, 0.0),
    "blast": ((1.0, 0.0, 1000.0), (1.0, 0.0, 0.01), 460.894, 19.5975),
    "blast-from-right": ((1.0, 0.0, 0.01), (1.0, 0.0, 100.0), 46.0950, -6.19633),
    "collision": ((5.99924, 19.5975, 460.894), (5.99242, -6.19633, 46.0950), 1691.64, 8.68975),
}
