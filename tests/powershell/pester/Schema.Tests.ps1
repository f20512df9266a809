# The schemas are made from the classes that read the answers, and kept beside the module (make golden).
BeforeDiscovery {
    $script:id = '00112233-4455-6677-8899-aabbccddeeff'
    $script:run = '5b0e4e0a-9b0c-4a7d-8e2c-1b110f7c1d4a'
    $script:calls = @(
        @{ Command = 'Get-BorgClusterAccess'; Given = @{} }
        @{ Command = 'Get-BorgClusterNodeReport'; Given = @{} }
        @{ Command = 'Get-BorgClusterReferencePoint'; Given = @{ VMId = $id } }
        @{ Command = 'Get-BorgClusterReport'; Given = @{} }
        @{ Command = 'Get-BorgClusterRoleSetting'; Given = @{ VMId = $id } }
        @{ Command = 'Get-BorgClusterSnapshot'; Given = @{ VMId = $id } }
        @{ Command = 'Get-BorgClusterVMState'; Given = @{ VMId = $id } }
        @{ Command = 'New-BorgClusterSnapshot'; Given = @{ VMId = $id; RunId = $run; Consistency = 'Crash'; TimeoutSecond = 5 } }
        @{ Command = 'Set-BorgClusterOfflineAction'; Given = @{ VMId = $id; Action = 2 } }
        @{ Command = 'Stop-BorgClusterRole'; Given = @{ VMId = $id; TimeoutSecond = 5 } }
        @{ Command = 'Test-BorgClusterBoot'; Given = @{ VMId = $id; TimeoutSecond = 5 } }
        @{ Command = 'Wait-BorgClusterMerge'; Given = @{ VMId = $id; TimeoutSecond = 5 } }
    )
    $script:untestable = $null -eq (Get-Command -Name 'Test-Json' -ErrorAction SilentlyContinue)
}

BeforeAll {
    Import-Module -Name (Join-Path -Path $PSScriptRoot -ChildPath 'World.psm1') -Force
    Import-StubModule -Folder $TestDrive
    $script:root = (Get-Item -LiteralPath $TestDrive).FullName
    $script:schemas = Join-Path -Path $PSScriptRoot -ChildPath '../../../powershell/BorgCluster/schemas'
}

Describe 'the answer' {
    BeforeEach {
        $null = Use-StubWorld -Root $root
    }

    It 'of <Command> is as its schema says' -ForEach $calls -Skip:$untestable {
        $schema = Get-Content -LiteralPath (Join-Path -Path $schemas -ChildPath "$Command.json") -Raw
        Test-Json -Json (& $Command @Given) -Schema $schema -ErrorAction Stop | Should -BeTrue
    }
}
