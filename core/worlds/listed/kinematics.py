"""An arm of seven hinges, as an MJCF model of our own, and where its links are for given angles.

Lengths are in metres, angles in radians. The arm stands at the edge of a table whose top is the plane z = 0, and
reaches over it along x; at angles of 0 it points straight up. The hand holds a cup from the side: the cup's top is
where the hand's negative x axis points.
"""

from __future__ import annotations

import numpy as np

JOINTS = 7
MJCF = """
<mujoco model="arm">
  <compiler angle="radian" autolimits="true"/>
  <default><joint type="hinge"/><geom type="capsule" size="0.04" contype="0" conaffinity="0"/></default>
  <worldbody>
    <geom name="table" type="box" size="0.6 0.8 0.01" pos="0.5 0 -0.01"/>
    <body name="base" pos="0 0 0.1">
      <joint name="base" axis="0 0 1" range="-2.9 2.9"/><geom fromto="0 0 0 0 0 0.2"/>
      <body name="shoulder" pos="0 0 0.2">
        <joint name="shoulder" axis="0 1 0" range="-2 2"/><geom fromto="0 0 0 0 0 0.2"/>
        <body name="upper" pos="0 0 0.2">
          <joint name="upper" axis="0 0 1" range="-2.9 2.9"/><geom fromto="0 0 0 0 0 0.2"/>
          <body name="elbow" pos="0 0 0.2">
            <joint name="elbow" axis="0 1 0" range="-2.5 2.5"/><geom fromto="0 0 0 0 0 0.18"/>
            <body name="fore" pos="0 0 0.18">
              <joint name="fore" axis="0 0 1" range="-2.9 2.9"/><geom fromto="0 0 0 0 0 0.18"/>
              <body name="wrist" pos="0 0 0.18">
                <joint name="wrist" axis="0 1 0" range="-2 2"/><geom fromto="0 0 0 0 0 0.16"/>
                <body name="hand" pos="0 0 0.16">
                  <joint name="hand" axis="0 0 1" range="-2.9 2.9"/><geom name="cup" fromto="0.05 0 0 -0.05 0 0"/>
                </body>
              </body>
            </body>
          </body>
        </body>
      </body>
    </body>
  </worldbody>
</mujoco>
"""


def forward(angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions [pose, link, 3] and rotations [pose, link, 3, 3] of the links, for angles [pose, JOINTS].

    A rotation's columns are the link's axes in the world. The last link is the hand.
    """
    import mujoco

    model = mujoco.MjModel.from_xml_string(MJCF)
    data = mujoco.MjData(model)
    positions, rotations = np.empty((len(angles), JOINTS, 3)), np.empty((len(angles), JOINTS, 3, 3))
    for pose, turned in enumerate(angles):
        data.qpos[:] = turned
        mujoco.mj_kinematics(model, data)
        positions[pose] = data.xpos[1:]  # body 0 is the world
        rotations[pose] = data.xmat[1:].reshape(JOINTS, 3, 3)
    return positions, rotations
