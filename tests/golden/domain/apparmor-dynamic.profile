error: '/etc/vm/apparmor/case.template' is no template for a profile of AppArmor: it has no line VMUNIT_RULES
