"""``flask.sansio``: what Flask keeps of its classes apart from reading and writing; here the classes themselves."""
