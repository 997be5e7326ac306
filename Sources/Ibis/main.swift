print("ibis")
