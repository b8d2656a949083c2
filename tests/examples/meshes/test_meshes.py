import copy
import unittest

import calque
import meshes


class Part(meshes.Mesh):
    """A mesh that knows what it is a part of: a link to a parent, as an attribute."""

    def __init__(self, whole=None):
        super().__init__()
        self.whole = whole


class Meshes(unittest.TestCase):
    def test_a_mesh_is_a_value(self):
        mesh = meshes.Mesh()
        mesh.add(1, 2, 3)
        made = calque.deepcopy(mesh)
        made.move(1, 1, 1)
        self.assertEqual((mesh.vertex(0), made.vertex(0)), ((1, 2, 3), (2, 3, 4)))

    def test_notes_are_python_objects(self):
        mesh, note = meshes.Mesh(), ["a corner"]
        mesh.add(0, 0, 0, note)
        mesh.add(1, 0, 0, note)
        made = calque.deepcopy(mesh)
        self.assertEqual(made.note(0), note)
        self.assertIsNot(made.note(0), note)
        self.assertIs(made.note(0), made.note(1))

    def test_a_note_may_lead_back(self):
        mesh = meshes.Mesh()
        note = [mesh]
        mesh.add(0, 0, 0, note)
        made = calque.deepcopy(mesh)
        self.assertIs(made.note(0)[0], made)
        note.clear(), made.note(0).clear()

    def test_parts_and_their_whole(self):
        whole = Part()
        whole.parts = [Part(whole), Part(whole)]
        made = calque.deepcopy(whole)
        self.assertIs(type(made.parts[0]), Part)
        self.assertTrue(all(part.whole is made for part in made.parts))
        for x in (whole, made):
            x.parts.clear()

    def test_copy_copy_shares_the_attributes(self):
        mesh = meshes.Mesh()
        mesh.colours = ["red"]
        made = calque.copy(mesh)
        self.assertIs(made.colours, mesh.colours)

    def test_stdlib_cannot(self):
        with self.assertRaises(RuntimeError):
            copy.deepcopy(meshes.Mesh())


class Scenes(unittest.TestCase):
    def test_a_scene_made_in_python(self):
        root, left, right = meshes.Node("root"), meshes.Node("left"), meshes.Node("right")
        root.add(left), root.add(right)
        left.mesh = right.mesh = meshes.Mesh()
        left.label = ["an attribute"]
        made = calque.deepcopy(root)
        new_left, new_right = made.children
        self.assertEqual((new_left.name, new_right.name, new_left.label), ("left", "right", ["an attribute"]))
        self.assertIsNot(new_left, left)
        self.assertIs(new_left.mesh, new_right.mesh)
        self.assertIsNot(new_left.mesh, left.mesh)

    def test_a_scene_made_in_cpp(self):
        root = meshes.make_scene(3)
        made = calque.deepcopy(root)
        made.children[0].mesh.add(1, 2, 3)
        self.assertEqual([len(child.mesh) for child in made.children], [1, 1, 1])
        self.assertEqual([len(child.mesh) for child in root.children], [0, 0, 0])
        made.name = "copy"
        self.assertEqual([child.parent.name for child in made.children], ["copy"] * 3)
        self.assertEqual(root.children[0].parent.name, "root")

    def test_one_object_in_several_places(self):
        root = meshes.make_scene(2)
        made, child, mesh = calque.deepcopy([root, root.children[1], root.children[0].mesh])
        mesh.add(0, 0, 0), mesh.add(1, 1, 1)
        child.name = "renamed"
        self.assertEqual(len(child.mesh), 2)
        self.assertEqual(made.children[1].name, "renamed")

    def test_a_part_of_a_scene_has_no_parent(self):
        self.assertIsNone(calque.deepcopy(meshes.make_scene(1).children[0]).parent)


if __name__ == "__main__":
    unittest.main()
